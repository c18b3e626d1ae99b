# bash completion for ftpdctl: eval "$(ftpdctl completion bash)"
_ftpdctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} cword=$COMP_CWORD words=("${COMP_WORDS[@]}") value rest
  # Host addresses hold colons, at which bash would take words apart.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n =: cur words cword
  fi
  COMPREPLY=()
  while IFS=$'\t' read -r value rest; do
    if [[ $value == :files ]]; then
      compopt -o default
    else
      printf -v value %q "$value"
      COMPREPLY+=("$value")
    fi
  done < <(command ftpdctl __complete -- "${words[@]:1:cword-1}" "$cur" 2>/dev/null)
  [[ $cur == --*=* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%%=*}="}")
  if declare -F __ltrim_colon_completions >/dev/null; then
    __ltrim_colon_completions "$cur"
  fi
}
complete -F _ftpdctl ftpdctl
