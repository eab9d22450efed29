// tree.go owns visiting a tree in the byte order of its paths, in memory for one folder at a time; it never follows a link.

package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	direntBytes = 64 << 10
	// Beyond what is wanted: hidden names, and names that go away.
	spareNames = 1024
)

// A visitor sees a tree. S is what it keeps for a folder while what is in there is visited.
type visitor[S any] interface {
	// visit sees one file, and tells whether to visit what is in it.
	visit(parent S, found found) (own S, enter bool, err error)
	// closed is told of a folder that cannot be entered, and why.
	closed(path string, why error) error
	// room is how many more files it wants to see: names beyond that are not even sorted.
	room() int
}

// found is a file: its path below the tree's root, and its name in an open folder.
type found struct {
	path   string
	folder int
	name   string
	stat   *unix.Stat_t
}

// A pending folder's turn comes when its path and a slash are next in order.
type pending[S any] struct {
	key string
	own S
}

// visitTree visits what is below an open folder, which it leaves open. A file that goes away meanwhile is left out.
func visitTree[S any](ctx context.Context, v visitor[S], folder int, path string, own S) error {
	names, err := namesOf(folder, v.room())
	if err != nil {
		return err
	}
	var folders []pending[S]
	for _, name := range names {
		for len(folders) > 0 && folders[0].key < name {
			next := folders[0]
			folders = folders[1:]
			if err := enter(ctx, v, folder, path, next); err != nil {
				return err
			}
		}
		if (path == "" || path == gitName) && isHidden(name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		stat, err := statName(folder, name)
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			return err
		}
		below, inside, err := v.visit(own, found{join(path, name), folder, name, stat})
		if err != nil {
			return err
		}
		if inside {
			folders = insert(folders, pending[S]{name + "/", below})
		}
	}
	for _, next := range folders {
		if err := enter(ctx, v, folder, path, next); err != nil {
			return err
		}
	}
	return nil
}

func insert[S any](folders []pending[S], one pending[S]) []pending[S] {
	at, _ := slices.BinarySearchFunc(folders, one.key, func(p pending[S], key string) int { return strings.Compare(p.key, key) })
	return slices.Insert(folders, at, one)
}

func enter[S any](ctx context.Context, v visitor[S], parent int, path string, next pending[S]) error {
	name := strings.TrimSuffix(next.key, "/")
	below := join(path, name)
	if len(below)+1+maxName > maxPath {
		return v.closed(below, unix.ENAMETOOLONG)
	}
	folder, err := openName(parent, name, openFolder)
	switch {
	case err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP:
		return nil
	case errors.Is(err, errMounted):
		return v.closed(below, err)
	case err != nil:
		return err
	}
	defer closeFd(folder)
	return visitTree(ctx, v, folder, below, next.own)
}

// namesOf lists a folder in byte order, the first most names at least.
func namesOf(folder, most int) ([]string, error) {
	if _, err := unix.Seek(folder, 0, unix.SEEK_SET); err != nil {
		return nil, err
	}
	buffer := make([]byte, direntBytes)
	var names []string
	for {
		n, err := unix.ReadDirent(folder, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			break
		}
		_, _, names = unix.ParseDirent(buffer[:n], -1, names)
		if len(names) >= 2*(most+spareNames) {
			slices.Sort(names)
			names = names[:most+spareNames]
		}
	}
	slices.Sort(names)
	return names, nil
}
