# A program that looks like a ProFTPD with many sessions: `proftpd crowd.py SCOREBOARD SOCKET COUNT`, of a Python that is called
# proftpd. It says the pids of its children, which do nothing, and ends with its standard input.
import gc
import os
import signal
import socket
import sys

scoreboard = open(sys.argv[1], 'r+b')
server = socket.create_server(('127.0.0.1', 0))
controls = socket.socket(socket.AF_UNIX)
controls.bind(sys.argv[2])
controls.listen()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
gc.freeze()
children = []
for _ in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        signal.pause()
    children.append(child)
print(*children, flush=True)
sys.stdin.read()
for child in children:
    os.kill(child, signal.SIGKILL)
