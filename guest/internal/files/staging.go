// staging.go owns making and removing the staging folder of an id; it never moves anything out of it.

package files

import (
	"errors"

	"golang.org/x/sys/unix"
)

const (
	treeName = "tree"
	// The user's git shall not show it while it is there.
	ignoreName = ".gitignore"
)

// newStage makes an empty stage in place of an earlier one.
func (f *folders) newStage(id string) (*unpacker, error) {
	if err := f.discard(id); err != nil {
		return nil, err
	}
	records, err := f.records()
	if err != nil {
		return nil, err
	}
	defer closeFd(records)
	log, err := newFolderLog(records, id)
	if err != nil {
		return nil, err
	}
	tree, err := f.makeTree(id)
	if err != nil {
		return nil, errors.Join(err, log.end())
	}
	return &unpacker{tree: tree, parent: -1, folders: log, buffer: make([]byte, chunkBytes)}, nil
}

// gitFolder opens the .git of a checkout, in which nobody looks for files and no program watches for changes. -1 where there is
// none.
func (f *folders) gitFolder() int {
	fd, err := openName(f.workspace.fd, gitName, openFolder)
	if err != nil {
		return -1
	}
	return fd
}

// stageHome opens the folder that hidden names are made in.
func (f *folders) stageHome() (int, error) {
	if git := f.gitFolder(); git >= 0 {
		return git, nil
	}
	return openAt(f.workspace.fd, "", openFolder, resolveName)
}

func (f *folders) makeTree(id string) (int, error) {
	home, err := f.stageHome()
	if err != nil {
		return -1, err
	}
	defer closeFd(home)
	if err := unix.Mkdirat(home, stagePrefix+id, stageMode); err != nil {
		return -1, err
	}
	stage, err := openName(home, stagePrefix+id, openFolder)
	if err != nil {
		return -1, err
	}
	defer closeFd(stage)
	ignore, err := unix.Openat(stage, ignoreName, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, err
	}
	_, err = unix.Write(ignore, []byte("*\n"))
	if err = errors.Join(err, unix.Close(ignore), unix.Mkdirat(stage, treeName, folderMode)); err != nil {
		return -1, err
	}
	return openName(stage, treeName, openFolder)
}

// openTree opens the staged tree.
func (f *folders) openTree(id string) (int, error) {
	tree := stagePrefix + id + "/" + treeName
	fd, err := openAt(f.workspace.fd, gitName+"/"+tree, openFolder|unix.O_NOFOLLOW, resolveName)
	if err != unix.ENOENT && err != unix.ENOTDIR && err != unix.ELOOP && err != unix.EXDEV {
		return fd, err
	}
	return openAt(f.workspace.fd, tree, openFolder|unix.O_NOFOLLOW, resolveName)
}

// removeStage removes the staging folder of an id, wherever it is.
func (f *folders) removeStage(id string) error {
	err := removeAll(f.workspace.fd, stagePrefix+id)
	if git := f.gitFolder(); git >= 0 {
		defer closeFd(git)
		err = errors.Join(err, removeAll(git, stagePrefix+id))
	}
	return err
}

// discard removes a stage, committed or not, and what the disk remembers of it.
func (f *folders) discard(id string) error {
	if err := f.removeStage(id); err != nil {
		return err
	}
	records, err := f.records()
	if err != nil {
		return err
	}
	defer closeFd(records)
	for _, phase := range []string{phaseNew, phaseDone, phaseFolders} {
		err = errors.Join(err, forget(records, id, phase))
	}
	return err
}

// removeAll removes a name with everything below; links are removed, not followed.
func removeAll(folder int, name string) error {
	err := unix.Unlinkat(folder, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	if err != unix.EISDIR {
		return err
	}
	inside, err := openName(folder, name, openFolder)
	if err != nil {
		return err
	}
	defer closeFd(inside)
	names, err := namesOf(inside, maxStaged)
	if err != nil {
		return err
	}
	for _, below := range names {
		if err := removeAll(inside, below); err != nil {
			return err
		}
	}
	return unix.Unlinkat(folder, name, unix.AT_REMOVEDIR)
}
