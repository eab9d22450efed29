// folders.go owns handing the mounted folders to those who work on files from outside of the mounts; it never opens a file.

package machine

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// Folders are descriptors; -1 where there is none. Through them any thread reaches the machine's mounts.
type Folders struct {
	Workspace int
	// The lower and the upper layer of /workspace, without a seed -1.
	Seed, Upper int
	// The machine's disk, outside of what programs see.
	Disk int
}

// Files works on the folders from Mount until Unmount.
type Files interface {
	// Attach takes the descriptors over, whatever it returns. No program runs before it has returned.
	Attach(Folders) error
	// Detach closes them: the mounts are busy until then.
	Detach(ctx context.Context) error
}

// openFolders runs on the machine's thread, before it has entered the root.
func openFolders(seed bool) (Folders, error) {
	f := Folders{Workspace: -1, Seed: -1, Upper: -1, Disk: -1}
	wanted := map[string]*int{sysroot + "/workspace": &f.Workspace, "/disk": &f.Disk}
	if seed {
		wanted["/seed"], wanted["/disk/workspace/upper"] = &f.Seed, &f.Upper
	}
	for path, into := range wanted {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return f, errors.Join(err, f.close())
		}
		*into = fd
	}
	return f, nil
}

func (f Folders) close() error {
	var err error
	for _, fd := range []int{f.Workspace, f.Seed, f.Upper, f.Disk} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}
