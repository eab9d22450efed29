// target.go owns finding the file that a path names for a writer: links followed, missing folders made; it never writes to a file.

package files

import (
	"strings"

	"golang.org/x/sys/unix"
)

// A target is a name in an open folder, no link.
type target struct {
	folder int
	name   string
	// Relative to /workspace, without links.
	path string
	// nil where nothing has the name.
	stat *unix.Stat_t
}

func (t *target) end() { closeFd(t.folder) }

// target follows every link that stays inside, the last part's too.
func (r root) target(path string) (*target, error) {
	w := walk{root: r, rest: strings.Split(path, "/"), making: true}
	defer w.end()
	for {
		name, err := w.toLast()
		if err != nil {
			return nil, err
		}
		stat, err := statName(w.here(), name)
		if err == nil && stat.Mode&unix.S_IFMT == unix.S_IFLNK {
			if err := w.follow(name); err != nil {
				return nil, err
			}
			continue
		}
		if err == unix.ENOENT {
			stat, err = nil, nil
		}
		if err != nil {
			return nil, err
		}
		at := strings.Join(append(w.names, name), "/")
		if isHidden(at) || len(at) > maxPath {
			return nil, refused("%q: no such name can be written", at)
		}
		folder, err := openAt(w.here(), "", openFolder, resolveName)
		if err != nil {
			return nil, err
		}
		return &target{folder, name, at, stat}, nil
	}
}

// toLast walks up to the last part, and returns it.
func (w *walk) toLast() (string, error) {
	for len(w.rest) > 0 {
		part := w.rest[0]
		w.rest = w.rest[1:]
		isLast := len(strings.Join(w.rest, "")) == 0
		switch {
		case part == "" || part == ".":
		case part == "..":
			w.up()
		case w.above:
			if part != workspaceName {
				return "", errOutside
			}
			w.above = false
		case isLast:
			w.rest = nil
			return part, nil
		default:
			if err := w.down(part); err != nil {
				return "", err
			}
		}
	}
	if w.above {
		return "", errOutside
	}
	return "", unix.EISDIR
}
