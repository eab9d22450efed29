// nested.go owns judging what git would read of a folder to learn whether it is a repository. It reads no more than where a .git file leads.

package hosttree

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const maxPointBytes = 1 << 20

// holdsUp tells whether git, which asks of a folder whether it is a repository, could wait there or read without end. It
// follows links and what a .git file names, as git does, and opens nothing but such a file.
func holdsUp(folder int) bool {
	at := self(folder)
	place := at + "/.git"
	var stat unix.Stat_t
	if unix.Stat(place, &stat) != nil {
		return false
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFREG {
		named, ok := pointedTo(place)
		if !ok {
			return false
		}
		if place = named; !path.IsAbs(named) {
			place = at + "/" + named
		}
	}
	for name, most := range map[string]int64{"HEAD": 1 << 62, "commondir": maxPointBytes, "packed-refs": 1 << 62} {
		err := unix.Stat(place+"/"+name, &stat)
		kind := stat.Mode & unix.S_IFMT
		if err == nil && kind != unix.S_IFDIR && (kind != unix.S_IFREG || stat.Size > most) {
			return true
		}
	}
	return false
}

// pointedTo reads what a .git file names.
func pointedTo(file string) (string, bool) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Size > maxPointBytes {
		return "", false
	}
	content := make([]byte, maxPath)
	n, err := unix.Read(fd, content)
	if err != nil {
		return "", false
	}
	named, ok := strings.CutPrefix(string(content[:n]), "gitdir: ")
	return strings.TrimRight(named, "\r\n"), ok
}

func self(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
