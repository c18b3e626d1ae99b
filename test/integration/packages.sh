#!/bin/sh
# What an administrator does with the packages, in a file system of its own: everything that is written goes to memory.
# Its arguments: the .deb, the .rpm. It prints each step as it has been seen, and stops at the first that is not so.
set -eu
deb=$1 rpm=$2

seen() { echo "ok: $1"; }
not() { if "$@" >/dev/null 2>&1; then echo "not refused: $*"; exit 1; fi; }

# Nobody's Node is on the path.
for folder in $(echo "$PATH" | tr : ' '); do rm -f "$folder/node" "$folder/nodejs"; done
not command -v node

stock=$(md5sum </usr/bin/ftpdctl)
dpkg-divert --local --rename --divert /usr/bin/ftpdctl.own /usr/bin/ftpdctl >/dev/null
not dpkg --install "$deb"
[ -z "$(dpkg --audit)" ]
dpkg-divert --local --rename --remove /usr/bin/ftpdctl >/dev/null
[ "$(md5sum </usr/bin/ftpdctl)" = "$stock" ]
seen 'where the administrator has diverted the name, nothing is installed, and nothing is left half done'
dpkg --install "$deb" >/dev/null
[ "$(md5sum </usr/bin/ftpdctl.proftpd)" = "$stock" ]
[ "$(dpkg-divert --truename /usr/bin/ftpdctl)" = /usr/bin/ftpdctl.proftpd ]
seen 'the stock client has moved aside'
dpkg --verify ftpdctl
seen 'every file is as it was packed'
ftpdctl --version | grep -q '^ftpdctl/'
setpriv --reuid 65534 --regid 65534 --clear-groups ftpdctl --version >/dev/null
seen 'the program runs without a Node on the path, for everybody'
NODE_OPTIONS=--of-another-node NODE_PATH=/nonexistent ftpdctl --version >/dev/null
seen 'options that are for another Node do not keep it from starting'
man --where ftpdctl | grep -q '/man8/ftpdctl.8'
man --where ftpdctl-msg >/dev/null
man ftpdctl | grep -q -- --json
seen 'the manual is ours'

complete() {
  COMP_LINE="ftpdctl $1" bash --norc -c '
    . /usr/share/bash-completion/bash_completion
    _completion_loader ftpdctl
    COMP_WORDS=($COMP_LINE) COMP_CWORD=1 COMP_POINT=${#COMP_LINE}
    $(complete -p ftpdctl | sed "s/.*-F \([^ ]*\).*/\1/")
    echo "${COMPREPLY[@]}"'
}
complete sta | grep -qw status
seen 'bash completes'
systemd-analyze verify /usr/lib/systemd/system/ftpdctl-serve.service
XDG_RUNTIME_DIR=/run systemd-analyze verify --user /usr/lib/systemd/user/ftpdctl-serve.service
seen 'systemd takes the units'

mkdir -p /run/ftpdctl /var/log/ftpdctl
ftpdctl serve --check --config /etc/ftpdctl/serve.conf >/dev/null
ftpdctl serve --config /etc/ftpdctl/serve.conf 2>/run/serve.txt &
serve=$!
trap 'kill $serve $mock 2>/dev/null || true' EXIT
mock=
until [ -S /run/ftpdctl/ftpdctl.sock ]; do kill -0 $serve; sleep 0.05; done
ftpdctl mock --config /etc/ftpdctl/serve.conf --port 0 >/run/mock.txt 2>&1 &
mock=$!
until port=$(grep -o '127\.0\.0\.1[:#][0-9]*' /run/mock.txt); do kill -0 $mock; sleep 0.05; done
python3 - "${port##*[:#]}" <<'PYTHON'
import ftplib, subprocess, sys
ftp = ftplib.FTP()
ftp.connect('127.0.0.1', int(sys.argv[1]))
ftp.login('dave', 'x')
sent = subprocess.run(['ftpdctl', '-s', '/run/ftpdctl/ftpdctl.sock', 'msg', 'user', 'dave', 'please', 'delete', 'some', 'files'])
assert sent.returncode == 0
reply = ftp.sendcmd('NOOP')
assert 'please delete some files' in reply, reply
PYTHON
seen 'a message goes from msg by serve and mock to a client'
ftpdctl.proftpd -s /run/ftpdctl/ftpdctl.sock lsctrl | grep -q 'msg'
seen 'the stock client is there by its other name, and serve answers it'
kill $mock $serve
wait $mock $serve || true
trap - EXIT

# What a systemd would be told, where there is one and nothing forbids to tell it.
mkdir -p /run/systemd/system
rm -f /usr/sbin/policy-rc.d
printf '#!/bin/sh\necho "$*" >>/run/systemctl\n' >/usr/bin/systemctl
chmod 755 /usr/bin/systemctl
told() { grep -q -- "$1.*ftpdctl-serve" /run/systemctl; rm /run/systemctl; }

dpkg --install "$deb" >/dev/null
[ "$(md5sum </usr/bin/ftpdctl.proftpd)" = "$stock" ]
seen 'installed once more, the stock client still stands aside'
told try-restart
seen 'a server that runs starts anew'
mkdir -p /etc/systemd/system/multi-user.target.wants
enabled=/etc/systemd/system/multi-user.target.wants/ftpdctl-serve.service
ln -s /usr/lib/systemd/system/ftpdctl-serve.service $enabled
dpkg --remove ftpdctl >/dev/null
told stop
seen 'removed, it ends the server'
[ "$(md5sum </usr/bin/ftpdctl)" = "$stock" ]
[ ! -e /usr/bin/ftpdctl.proftpd ]
[ "$(dpkg-divert --truename /usr/bin/ftpdctl)" = /usr/bin/ftpdctl ]
man --where ftpdctl >/dev/null
not man --where ftpdctl-msg
[ -e /etc/ftpdctl/serve.conf ]
seen 'removed, it gives the names back, and its configuration stays'
dpkg --purge ftpdctl >/dev/null
[ ! -e /etc/ftpdctl ] && [ ! -e /usr/lib/ftpdctl ] && [ ! -e /var/log/ftpdctl ] && [ ! -L $enabled ]
seen 'purged, nothing is left'

rpm --install --nodeps "$rpm"
rpm --verify --nodeps ftpdctl
/usr/local/bin/ftpdctl --version | grep -q '^ftpdctl/'
[ "$(md5sum </usr/bin/ftpdctl)" = "$stock" ]
hash -r
[ "$(command -v ftpdctl)" = /usr/local/bin/ftpdctl ]
man --where ftpdctl | grep -q /usr/local/
seen 'the other package stands before the stock client and its manual'
rm -f /run/systemctl
rpm --upgrade --nodeps --replacepkgs "$rpm"
told try-restart
seen 'a server of the other package starts anew, too'
rpm --erase ftpdctl
told disable
[ ! -e /usr/local/bin/ftpdctl ] && [ ! -e /usr/lib/ftpdctl/node ]
seen 'erased, nothing is left'
