"""What flairtag predict must print for a corpus that is read over and over: what the corpus alone gives, as often."""
import copy
import subprocess


class Repeated:
    """Bytes of the output are held against `head`, what is printed once, and then `unit` again and again."""

    def __init__(self, command, piece):
        once, twice = (subprocess.run(command, input=piece * n, stdout=subprocess.PIPE, check=True).stdout for n in (1, 2))
        self.unit = twice[len(once):]
        self.head = once[: len(once) - len(self.unit)]
        if twice != self.head + 2 * self.unit:
            raise SystemExit("a corpus read twice does not give the output of the corpus twice")
        self.length, self.right = 0, True

    def again(self):
        """The same, with nothing read yet."""
        fresh = copy.copy(self)
        fresh.length, fresh.right = 0, True
        return fresh

    def read(self, chunk):
        while chunk:
            at = self.length - len(self.head)
            source, at = (self.head, self.length) if at < 0 else (self.unit, at % len(self.unit))
            part = source[at: at + len(chunk)]
            self.right = self.right and chunk.startswith(part)
            self.length += len(part)
            chunk = chunk[len(part):]

    def complete(self, repeats):
        return self.right and self.length == len(self.head) + repeats * len(self.unit)
