#compdef ftpdctl
# zsh completion for ftpdctl: eval "$(ftpdctl completion zsh)", or as _ftpdctl in a directory of fpath
_ftpdctl() {
  local -a candidates
  local value description
  while IFS=$'\t' read -r value description; do
    if [[ $value == :files ]]; then
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      return
    fi
    candidates+=("${value//:/\\:}${description:+:$description}")
  done < <(command ftpdctl __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  (( $#candidates )) && _describe -V ftpdctl candidates
}
if [[ $funcstack[1] == _ftpdctl ]]; then
  _ftpdctl "$@"
else
  compdef _ftpdctl ftpdctl
fi
