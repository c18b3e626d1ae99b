/** `1 session`, `2 sessions`. @param noun English, with a plural in s */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
