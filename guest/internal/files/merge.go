// merge.go owns moving a staged tree into /workspace, checked first; it never removes a file that nobody named.

package files

import (
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"
)

// check finds what would stop the commit, before anything is changed.
func (f *folders) check(records int, id string, p plan) error {
	tree, err := f.openTree(id)
	if err == unix.ENOENT {
		return connect.NewError(connect.CodeNotFound, errors.New("nothing is staged under this id"))
	}
	if err != nil {
		return err
	}
	defer closeFd(tree)
	destination, err := f.workspace.open(string(p.Destination), openFolder)
	if err == unix.ENOENT {
		return f.checkMissing(string(p.Destination))
	}
	if err != nil {
		return folderFailure(string(p.Destination), err)
	}
	defer closeFd(destination)
	c := checker{destination: string(p.Destination), named: map[string]bool{}, remove: map[string]bool{}}
	for _, path := range p.Remove {
		c.remove[string(path)] = true
	}
	err = eachFolder(records, id, func(record folderRecord) error {
		c.named[string(record.Path)] = true
		return nil
	})
	if err != nil {
		return err
	}
	return c.merge(tree, destination, "")
}

// checkMissing: a folder that can be made, not a link to nowhere.
func (f *folders) checkMissing(path string) error {
	folder, name, err := f.workspace.parent(path)
	if err == unix.ENOENT {
		above, _ := split(path)
		return f.checkMissing(above)
	}
	if err != nil {
		return folderFailure(path, err)
	}
	defer closeFd(folder)
	if _, err := statName(folder, name); err != unix.ENOENT {
		return refused("%q is not a folder", path)
	}
	return nil
}

func folderFailure(path string, err error) error {
	if err == unix.ENOTDIR {
		return refused("%q is not a folder", path)
	}
	return fmt.Errorf("%q: %w", path, err)
}

// A checker walks a staged tree beside what is there. Its paths are relative to the destination.
type checker struct {
	destination string
	// Folders that the archive has an entry for; others are only there for what is in them.
	named map[string]bool
	// Relative to /workspace.
	remove map[string]bool
}

func (c *checker) removes(path string) bool { return c.remove[join(c.destination, path)] }

func (c *checker) merge(staged, there int, path string) error {
	names, err := namesOf(staged, maxStaged)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.name(staged, there, name, join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) name(staged, there int, name, path string) error {
	old, err := statName(there, name)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	fresh, err := statName(staged, name)
	if err != nil {
		return err
	}
	if !isFolder(old) {
		if isFolder(fresh) && !c.named[path] && !c.removes(path) {
			return refused("%q is in the way: it is not a folder", join(c.destination, path))
		}
		return nil
	}
	oldFolder, err := openName(there, name, openFolder)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	defer closeFd(oldFolder)
	if !isFolder(fresh) {
		return c.goes(oldFolder, path)
	}
	freshFolder, err := openName(staged, name, openFolder)
	if err != nil {
		return err
	}
	defer closeFd(freshFolder)
	return c.merge(freshFolder, oldFolder, path)
}

// goes fails if anything but folders is left in a folder that a file is to replace.
func (c *checker) goes(folder int, path string) error {
	names, err := namesOf(folder, mostEntries)
	if err != nil {
		return err
	}
	for _, name := range names {
		below := join(path, name)
		stat, err := statName(folder, name)
		if err != nil {
			return err
		}
		if !isFolder(stat) {
			if !c.removes(below) {
				return refused("%q is in the way: it is a folder with files", join(c.destination, path))
			}
			continue
		}
		inside, err := openName(folder, name, openFolder)
		if err != nil {
			return fmt.Errorf("%q: %w", below, err)
		}
		err = c.goes(inside, below)
		closeFd(inside)
		if err != nil {
			return err
		}
	}
	return nil
}

// remove takes one path away, of a folder only the empty shell. Links on the way mean that there is no such path.
func (f *folders) remove(path string) error {
	above, name := split(path)
	folder, err := openAt(f.workspace.fd, above, openFolder|unix.O_NOFOLLOW, resolveName)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return mountedAt(err)
	}
	defer closeFd(folder)
	err = unix.Unlinkat(folder, name, 0)
	if err == unix.EISDIR {
		err = unix.Unlinkat(folder, name, unix.AT_REMOVEDIR)
	}
	if err == unix.ENOENT || err == unix.ENOTEMPTY || err == unix.EEXIST {
		return nil
	}
	return err
}

// merge can be begun anew at any point: what was moved is no longer in the staged tree.
func (f *folders) merge(records int, id, path string) error {
	destination, err := f.makeDestination(path)
	if err != nil {
		return folderFailure(path, err)
	}
	defer closeFd(destination)
	tree, err := f.openTree(id)
	if err != nil && err != unix.ENOENT {
		return err
	}
	if err == nil {
		defer closeFd(tree)
		if err := moveAll(tree, destination, path); err != nil {
			return err
		}
	}
	err = eachFolder(records, id, func(record folderRecord) error {
		return dress(destination, record)
	})
	if err == unix.ENOENT {
		// Only cleaning up was left.
		return nil
	}
	return err
}

func (f *folders) makeDestination(path string) (int, error) {
	fd, err := f.workspace.open(path, openFolder)
	if err != unix.ENOENT || path == "" {
		return fd, err
	}
	above, name := split(path)
	parent, err := f.makeDestination(above)
	if err != nil {
		return -1, err
	}
	defer closeFd(parent)
	if err := unix.Mkdirat(parent, name, folderMode); err != nil && err != unix.EEXIST {
		return -1, err
	}
	return openName(parent, name, openFolder)
}

func moveAll(staged, there int, path string) error {
	names, err := namesOf(staged, maxStaged)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := move(staged, there, name, join(path, name)); err != nil {
			return fmt.Errorf("%q: %w", join(path, name), err)
		}
	}
	return nil
}

func move(staged, there int, name, path string) error {
	fresh, err := statName(staged, name)
	if err != nil {
		return err
	}
	old, err := statName(there, name)
	switch {
	case err == unix.ENOENT:
	case err != nil:
		return err
	case isFolder(fresh) && isFolder(old):
		return moveInto(staged, there, name, path)
	case isFolder(fresh):
		err = unix.Unlinkat(there, name, 0)
	case isFolder(old):
		err = removeShell(there, name)
	case isRegular(fresh) && isRegular(old):
		err = keep(staged, there, name, old)
	}
	if err != nil && err != unix.ENOENT {
		return err
	}
	return unix.Renameat(staged, name, there, name)
}

// keep gives a staged file the owner and the extended attributes of the file that it replaces, and leaves it its mode.
func keep(staged, there int, name string, old *unix.Stat_t) error {
	fresh, err := openName(staged, name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer closeFd(fresh)
	stat, err := statFd(fresh)
	if err != nil {
		return err
	}
	if err := errors.Join(keepOwner(old, fresh), keepAttributes(there, name, fresh)); err != nil {
		return err
	}
	return unix.Fchmod(fresh, stat.Mode&permissions)
}

func moveInto(staged, there int, name, path string) error {
	from, err := openName(staged, name, openFolder)
	if err != nil {
		return err
	}
	defer closeFd(from)
	to, err := openName(there, name, openFolder)
	if err != nil {
		return err
	}
	defer closeFd(to)
	if err := moveAll(from, to, path); err != nil {
		return err
	}
	return unix.Unlinkat(staged, name, unix.AT_REMOVEDIR)
}

// removeShell removes a folder with nothing but folders in it.
func removeShell(parent int, name string) error {
	folder, err := openName(parent, name, openFolder)
	if err != nil {
		return err
	}
	defer closeFd(folder)
	names, err := namesOf(folder, mostEntries)
	if err != nil {
		return err
	}
	for _, below := range names {
		if err := removeShell(folder, below); err != nil {
			if err == unix.ENOTDIR || err == unix.ELOOP {
				return unix.ENOTEMPTY
			}
			return err
		}
	}
	return unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
}

// dress gives a folder of the archive its mode and time, if it is there.
func dress(destination int, record folderRecord) error {
	fd, err := openAt(destination, string(record.Path), openFolder|unix.O_NOFOLLOW, resolveName)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return mountedAt(err)
	}
	defer closeFd(fd)
	return errors.Join(unix.Fchmod(fd, record.Mode), setTime(fd, "", record.MtimeUnixNanos))
}
