// folders.go owns opening what lies below the root, one name at a time, never through a link. It never reads content.

package hosttree

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	confined = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	// Folders in one another; a seed of more is nobody's wish, and each one costs a descriptor.
	maxDepth = 256
	maxTries = 8
)

var (
	errTooDeep = errors.New("nested too deeply")
	errNoPath  = errors.New("not a clean relative path")
	errTooMany = errors.New("more than 2000000 files and folders")
)

// atStep is called at each step, so that tests can exchange what lies there; nil outside tests.
var atStep func(step, path string)

func step(name, path string) {
	if atStep != nil {
		atStep(name, path)
	}
}

func openBelow(folder int, name string, flags int) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: confined}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(folder, name, &how)
		// EAGAIN: a rename somewhere made the kernel unsure.
		if err != unix.EINTR && err != unix.EAGAIN || tries == maxTries {
			return fd, err
		}
	}
}

func statBelow(folder int, name string) (*unix.Stat_t, error) {
	var stat unix.Stat_t
	for {
		err := unix.Fstatat(folder, name, &stat, unix.AT_SYMLINK_NOFOLLOW)
		if err != unix.EINTR {
			return &stat, err
		}
	}
}

// A parents keeps the folders above the last path open: of paths that follow one another each folder is opened once.
type parents struct {
	root  int
	names []string
	open  []int
}

// of gives the open folder that path lies in, and its name there.
func (p *parents) of(path string) (int, string, error) {
	parts := strings.Split(path, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return -1, "", errNoPath
		}
	}
	if len(parts) > maxDepth {
		return -1, "", errTooDeep
	}
	folders, name := parts[:len(parts)-1], parts[len(parts)-1]
	same := 0
	for same < len(folders) && same < len(p.names) && folders[same] == p.names[same] {
		same++
	}
	p.cut(same)
	for _, folder := range folders[same:] {
		step("open", folder)
		fd, err := openBelow(p.last(), folder, unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return -1, "", err
		}
		p.names, p.open = append(p.names, folder), append(p.open, fd)
	}
	return p.last(), name, nil
}

func (p *parents) last() int {
	if len(p.open) == 0 {
		return p.root
	}
	return p.open[len(p.open)-1]
}

func (p *parents) cut(length int) {
	for _, fd := range p.open[length:] {
		_ = unix.Close(fd)
	}
	p.names, p.open = p.names[:length], p.open[:length]
}

// isGone tells whether an error only means that a path is no longer what it was, or never was ours to read.
func isGone(err error) bool {
	switch err {
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES, unix.EPERM, unix.EXDEV, unix.ENXIO, unix.ENODEV, unix.ESTALE, unix.ENAMETOOLONG, errTooDeep:
		return true
	}
	return false
}
