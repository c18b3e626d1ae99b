/** Bytes of JSON that one list in an answer may take. A response has 1 MiB; the lines take less than half of it. */
const LIST_BYTES = 480 * 1024;

/** The first of the items that fit into an answer. */
export function fitting<T>(items: readonly T[], bytes = LIST_BYTES): readonly T[] {
  let room = bytes;
  const end = items.findIndex((item) => {
    room -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return room < 0;
  });
  return end === -1 ? items : items.slice(0, end);
}
