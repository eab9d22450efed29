// overlay.go owns how overlayfs says in the upper layer what it did; it never walks.

package files

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	xattrOpaque   = "trusted.overlay.opaque"
	xattrRedirect = "trusted.overlay.redirect"
	// Since Linux 6.7, on empty files in folders whose opaque is "x".
	xattrWhiteout = "trusted.overlay.whiteout"
)

var errRedirect = errors.New("its redirect is not a path")

// A source is the folder of the lower layer that a folder of the upper one is merged with.
type source struct {
	// Meaningless when there is none.
	path string
	none bool
	// Whiteouts in the upper folder may be files with an attribute.
	marked bool
}

// marks are the attributes of one folder of the upper layer.
type marks struct{ opaque, redirect []byte }

// sourceOf follows the kernel's lookup: opaque beats redirect, which is a name in the parent's source or, with a
// leading slash, a path from the layer's root.
func sourceOf(parent source, name string, m marks) (source, error) {
	marked := bytes.Equal(m.opaque, []byte("x"))
	if bytes.Equal(m.opaque, []byte("y")) {
		return source{none: true}, nil
	}
	if len(m.redirect) > 0 && m.redirect[0] == '/' {
		path := string(m.redirect[1:])
		if !isPath(path) {
			return source{}, errRedirect
		}
		return source{path: path, marked: marked}, nil
	}
	if parent.none {
		return source{none: true, marked: marked}, nil
	}
	if len(m.redirect) > 0 {
		name = string(m.redirect)
		if checkName(name) != nil || strings.Contains(name, "/") {
			return source{}, errRedirect
		}
	}
	return source{path: join(parent.path, name), marked: marked}, nil
}

func isPath(path string) bool {
	for _, part := range strings.Split(path, "/") {
		if checkName(part) != nil {
			return false
		}
	}
	return true
}

func readMarks(folder int) (m marks, err error) {
	if m.opaque, err = attribute(folder, xattrOpaque); err != nil {
		return m, err
	}
	m.redirect, err = attribute(folder, xattrRedirect)
	return m, err
}

// attribute is nil when there is none.
func attribute(fd int, name string) ([]byte, error) {
	value := make([]byte, maxPath+1)
	n, err := unix.Fgetxattr(fd, name, value)
	if err == unix.ENODATA || err == unix.EOPNOTSUPP {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return value[:n], nil
}

// isWhiteout tells whether a file of the upper layer says that there is none.
func isWhiteout(parent source, folder int, name string, stat *unix.Stat_t) (bool, error) {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return stat.Rdev == 0, nil
	case unix.S_IFREG:
		if !parent.marked || stat.Size != 0 {
			return false, nil
		}
	default:
		return false, nil
	}
	fd, err := openName(folder, name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return false, err
	}
	defer closeFd(fd)
	_, err = unix.Fgetxattr(fd, xattrWhiteout, nil)
	if err == unix.ENODATA || err == unix.EOPNOTSUPP {
		return false, nil
	}
	return err == nil, err
}
