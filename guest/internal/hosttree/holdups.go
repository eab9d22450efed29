// holdups.go owns finding the names at which git would wait while it lists a checkout, and lets it pass the pipes among them.

package hosttree

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// One that is a pipe, held open so that whoever reads it is at its end at once.
	heldPipe = 'p'
	// A folder whose rules cannot be read: its .gitignore is a device, leads to a pipe, or is too large.
	unruled = 'u'
	// A folder whose .git leads to what cannot be read to its end.
	unread = 'r'
	walked = '.'

	maxHoldUps = 1000
	// As git opens a name: relative to the root.
	maxPath      = 4096
	maxRuleBytes = 64 << 20

	// Where a record of getdents64 has its length, its type and its name.
	direntLength, direntKind, direntName = 16, 18, 19
)

var errHoldUps = errors.New("more than 1000 names that git would wait at")

type holdUps struct {
	out     *bufio.Writer
	dirents []byte
	found   int
	pipes   []int
}

// findHoldUps writes `<kind>\0<path>\0` for each as soon as it is found, then one of kind `.`, and holds the pipes until
// the input ends. It goes as deep as git does.
func findHoldUps(root int, in io.Reader, out *bufio.Writer) error {
	h := &holdUps{out: out, dirents: make([]byte, direntBytes)}
	defer func() {
		for _, fd := range h.pipes {
			_ = unix.Close(fd)
		}
	}()
	fd, err := openBelow(root, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	if err := h.folder(fd, ""); err != nil {
		return err
	}
	if err := h.say(walked, ""); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// folder closes fd. A path below the root ends with a slash.
func (h *holdUps) folder(fd int, below string) error {
	defer unix.Close(fd)
	entries, err := h.entries(fd)
	if err != nil {
		return err
	}
	for _, each := range entries {
		if err := h.entry(fd, below, each); err != nil {
			return err
		}
	}
	return nil
}

type entry struct {
	name string
	kind byte
}

// entries are the folders among a folder's names, and what git itself opens; of the others there may be millions.
func (h *holdUps) entries(fd int) ([]entry, error) {
	var found []entry
	for {
		n, err := unix.ReadDirent(fd, h.dirents)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ENOENT || n <= 0 && err == nil {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		for rest := h.dirents[:n]; len(rest) > direntName; {
			record := rest[:binary.NativeEndian.Uint16(rest[direntLength:])]
			rest = rest[len(record):]
			name, _, _ := bytes.Cut(record[direntName:], []byte{0})
			kind, text := record[direntKind], string(name)
			if text == "." || text == ".." {
				continue
			}
			if kind == unix.DT_DIR || kind == unix.DT_UNKNOWN || text == ".git" || text == ".gitignore" {
				found = append(found, entry{text, kind})
			}
		}
	}
}

func (h *holdUps) entry(fd int, below string, each entry) error {
	switch {
	case each.name == ".gitignore":
		return h.rules(fd, below)
	case each.name == ".git":
		// That of the root is not git's to find.
		if below == "" || !holdsUp(fd) {
			return nil
		}
		return h.say(unread, strings.TrimSuffix(below, "/"))
	case len(below)+len(each.name)+len("/.gitignore") >= maxPath:
		return nil
	}
	inner, err := openBelow(fd, each.name, unix.O_RDONLY|unix.O_DIRECTORY)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.folder(inner, below+each.name+"/")
}

// rules judges the .gitignore of a folder as git opens it: never through a link, but for versions before 2.32.
func (h *holdUps) rules(folder int, below string) error {
	const name = ".gitignore"
	fd, err := openBelow(folder, name, unix.O_PATH)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil {
		return nil
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return h.pipe(fd, below)
	case unix.S_IFLNK:
		if unix.Fstatat(folder, name, &stat, 0) == nil && stat.Mode&unix.S_IFMT == unix.S_IFIFO {
			return h.say(unruled, strings.TrimSuffix(below, "/"))
		}
	case unix.S_IFCHR, unix.S_IFBLK:
		return h.say(unruled, strings.TrimSuffix(below, "/"))
	case unix.S_IFREG:
		if stat.Size > maxRuleBytes {
			return h.say(unruled, strings.TrimSuffix(below, "/"))
		}
	}
	return nil
}

// pipe says what it found before git can pass it.
func (h *holdUps) pipe(fd int, below string) error {
	if unix.Faccessat(unix.AT_FDCWD, self(fd), unix.R_OK|unix.W_OK, 0) != nil {
		return h.say(unruled, strings.TrimSuffix(below, "/"))
	}
	if err := h.say(heldPipe, below+".gitignore"); err != nil {
		return err
	}
	held, err := unix.Open(self(fd), unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		h.pipes = append(h.pipes, held)
	}
	return err
}

func (h *holdUps) say(kind byte, where string) error {
	if h.found++; h.found > maxHoldUps {
		return errHoldUps
	}
	if _, err := fmt.Fprintf(h.out, "%c\x00%s\x00", kind, where); err != nil {
		return err
	}
	return h.out.Flush()
}
