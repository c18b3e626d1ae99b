# fish completion for ftpdctl: ftpdctl completion fish | source
function __ftpdctl_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct | string collect)
    for line in (command ftpdctl __complete -- $words[2..] "$typed" 2>/dev/null)
        if test "$line" = :files
            set -l option (string match -r -- '^--[^=]*=' "$typed")
            for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$typed"))
                echo "$option$path"
            end
        else
            echo $line
        end
    end
end
complete -c ftpdctl -f -a '(__ftpdctl_complete)'
