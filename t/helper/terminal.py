"""A person at a terminal: runs a program in a pseudo-terminal, types, and waits for what is to appear.

    import terminal
    t = terminal.Terminal(["lk-query", "-l", "lake"], rows=24, columns=80)
    t.expect("lk> ")          # waits for a text (no pattern) behind what was waited for before; fails after LIMIT seconds
    t.type("select 1;\\r")
    status = t.end()          # waits for the program's end
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

LIMIT = 20


class Terminal:
    def __init__(self, command, rows=24, columns=80, **environment):
        self.seen, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ.update(TERM="dumb", **environment)
            os.execvp(command[0], command)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, limit):
        """What is there; None at the end."""
        if not select.select([self.fd], [], [], limit)[0]:
            return ""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            return None
        self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        return data

    def expect(self, text):
        end = time.monotonic() + LIMIT
        while text not in self.seen[self.at:]:
            if time.monotonic() > end or self.read(0.5) is None:
                self.stop(f"'{text}' did not appear behind")
        start = self.seen.index(text, self.at)
        before, self.at = self.seen[self.at:start], start + len(text)
        return before

    def end(self):
        while (data := self.read(LIMIT)):
            pass
        if data == "":
            self.stop("it did not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def stop(self, why):
        os.kill(self.pid, 9)
        sys.exit(f"{why}:\n{self.seen[:self.at]}\n-----\n{self.seen[self.at:]}")
