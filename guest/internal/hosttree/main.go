// Owns the command line of the walker: what is below a folder of the host, handed over as descriptor 3. Never opens a path by any other way.
package hosttree

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	rootDescriptor = 3
	bufferBytes    = 256 << 10

	exitFailed      = 1
	exitUnsupported = 3
	exitUsage       = 64
)

var errNoOpenat2 = errors.New("the kernel has no openat2, or does not let this program use it")

// Main runs `hosttree list | stat | holdups | pack | digest` and returns the exit status.
func Main(args []string) int {
	if len(args) != 1 {
		return usage()
	}
	unix.CloseOnExec(rootDescriptor)
	out := bufio.NewWriterSize(os.Stdout, bufferBytes)
	in := bufio.NewReaderSize(os.Stdin, bufferBytes)
	err := probe(rootDescriptor)
	if err == nil {
		switch args[0] {
		case "list":
			err = list(rootDescriptor, out)
		case "stat":
			err = statNames(rootDescriptor, in, out)
		case "holdups":
			err = findHoldUps(rootDescriptor, in, out)
		case "pack":
			err = pack(rootDescriptor, in, archive{out: out, notes: os.Stderr})
		case "digest":
			err = digest(rootDescriptor, in, out)
		default:
			return usage()
		}
	}
	if err = errors.Join(err, out.Flush()); err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "pyro-guest: hosttree: %v\n", err)
	if errors.Is(err, errNoOpenat2) {
		return exitUnsupported
	}
	return exitFailed
}

// probe fails where a confined open is not to be had; there is no other way to open that is as safe.
func probe(root int) error {
	fd, err := openBelow(root, ".", unix.O_PATH|unix.O_DIRECTORY)
	if err == unix.ENOSYS || err == unix.EPERM {
		return errNoOpenat2
	}
	if err != nil {
		return fmt.Errorf("descriptor %d: %w", root, err)
	}
	return unix.Close(fd)
}

// A wanted is one line of input: what the path was when it was listed, and the path.
type wanted struct {
	kind byte
	path string
}

// eachWanted reads `<kind><path>` entries, each ended by a NUL.
func eachWanted(in *bufio.Reader, visit func(wanted) error) error {
	for {
		line, err := in.ReadString(0)
		if err == io.EOF && line == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("input: %w", err)
		}
		if len(line) < 3 {
			return errors.New("input: an entry without a path")
		}
		if err := visit(wanted{line[0], line[1 : len(line)-1]}); err != nil {
			return err
		}
	}
}

func usage() int {
	fmt.Fprintln(os.Stderr, "usage: pyro-guest hosttree list | stat | holdups | pack | digest (a folder as descriptor 3)")
	return exitUsage
}
