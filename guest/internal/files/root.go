// root.go owns opening files below a folder without ever leaving it, whatever programs do meanwhile; it never writes.

package files

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// Where programs see the root, without the leading slash.
	workspaceName = "workspace"
	maxLinks      = 40
	maxTries      = 8
	// One name in a folder that is open, and nothing else.
	resolveName = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV
	openFolder  = unix.O_RDONLY | unix.O_DIRECTORY
)

// A root is an open folder that programs see as /workspace.
type root struct{ fd int }

func closeFd(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// openAt opens path below folder, links in its last part included, as resolve allows.
func openAt(folder int, path string, flags int, resolve uint64) (int, error) {
	if path == "" {
		path = "."
	}
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: resolve}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(folder, path, &how)
		if err != unix.EINTR && err != unix.EAGAIN || tries == maxTries {
			return fd, err
		}
	}
}

// openName opens a name in an open folder; a link there is ELOOP, a mount errMounted.
func openName(folder int, name string, flags int) (int, error) {
	fd, err := openAt(folder, name, flags|unix.O_NOFOLLOW, resolveName)
	if err == unix.EXDEV {
		err = errMounted
	}
	return fd, err
}

// open follows links that stay inside; with O_NOFOLLOW not one in the last part.
func (r root) open(path string, flags int) (int, error) {
	if r.fd < 0 {
		return -1, refused("this machine has no seed")
	}
	fd, err := openAt(r.fd, path, flags, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS|unix.RESOLVE_NO_XDEV)
	if err != unix.EXDEV && err != unix.EAGAIN {
		return fd, err
	}
	// A mount, an absolute link, or one that leads out: part by part tells, and follows those that come back. Also where
	// the kernel gives up on a "..", as it does while anything anywhere is renamed.
	w := walk{root: r, rest: strings.Split(path, "/")}
	defer w.end()
	return w.open(flags)
}

// parent opens the folder that holds path's last part.
func (r root) parent(path string) (folder int, name string, err error) {
	above, name := split(path)
	folder, err = r.open(above, openFolder)
	return folder, name, err
}

// A walk resolves a path in user space. Going up closes what was opened: a folder that was moved away leads nowhere new.
type walk struct {
	root root
	// Open folders below the root, the last one is where the walk stands.
	inside []int
	// Their names.
	names []string
	// The walk stands on the folder above the root, which is not ours to open.
	above bool
	rest  []string
	links int
	// Folders on the way that are missing are made.
	making bool
}

func (w *walk) end() {
	for _, fd := range w.inside {
		closeFd(fd)
	}
}

func (w *walk) here() int {
	if n := len(w.inside); n > 0 {
		return w.inside[n-1]
	}
	return w.root.fd
}

func (w *walk) open(flags int) (int, error) {
	for len(w.rest) > 0 {
		part := w.rest[0]
		w.rest = w.rest[1:]
		var err error
		switch {
		case part == "" || part == ".":
		case part == "..":
			w.up()
		case w.above:
			if part != workspaceName {
				return -1, errOutside
			}
			w.above = false
		case len(w.rest) == 0:
			fd, done, err := w.last(part, flags)
			if done || err != nil {
				return fd, err
			}
		default:
			err = w.down(part)
		}
		if err != nil {
			return -1, err
		}
	}
	if w.above {
		return -1, errOutside
	}
	return openAt(w.here(), "", flags, resolveName)
}

// last opens the last part, or follows it and is not done.
func (w *walk) last(name string, flags int) (fd int, done bool, err error) {
	fd, err = openName(w.here(), name, flags)
	if flags&unix.O_NOFOLLOW != 0 {
		return fd, true, err
	}
	if err == nil {
		// O_PATH opens a link itself.
		if stat, err := statFd(fd); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFLNK {
			return fd, true, err
		}
		closeFd(fd)
	} else if err != unix.ELOOP && err != unix.ENOTDIR {
		return -1, true, err
	}
	return -1, false, w.follow(name)
}

func (w *walk) up() {
	if n := len(w.inside); n > 0 {
		closeFd(w.inside[n-1])
		w.inside, w.names = w.inside[:n-1], w.names[:n-1]
		return
	}
	w.above = true
}

func (w *walk) down(name string) error {
	fd, err := openName(w.here(), name, unix.O_PATH|unix.O_DIRECTORY)
	if err == unix.ENOENT && w.making {
		if err := unix.Mkdirat(w.here(), name, folderMode); err != nil && err != unix.EEXIST {
			return err
		}
		fd, err = openName(w.here(), name, unix.O_PATH|unix.O_DIRECTORY)
	}
	if err == nil {
		w.inside, w.names = append(w.inside, fd), append(w.names, name)
		return nil
	}
	// O_DIRECTORY on a link says ENOTDIR.
	if err == unix.ELOOP || err == unix.ENOTDIR {
		return w.follow(name)
	}
	return err
}

func (w *walk) follow(name string) error {
	w.links++
	if w.links > maxLinks {
		return unix.ELOOP
	}
	target, err := readLink(w.here(), name)
	if err == unix.EINVAL {
		return unix.ENOTDIR
	}
	if err != nil {
		return err
	}
	if strings.HasPrefix(target, "/") {
		w.end()
		w.inside, w.names, w.above = nil, nil, true
	}
	w.rest = append(strings.Split(target, "/"), w.rest...)
	return nil
}

func readLink(folder int, name string) (string, error) {
	buffer := make([]byte, maxPath+1)
	n, err := unix.Readlinkat(folder, name, buffer)
	if err != nil {
		return "", err
	}
	return string(buffer[:n]), nil
}
