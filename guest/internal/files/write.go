// write.go owns WriteFile: one file, whole or not at all; it never shows a program a part of one.

package files

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func (s *Service) WriteFile(ctx context.Context, stream *connect.ClientStream[guestv1.WriteFileRequest]) (*connect.Response[guestv1.WriteFileResponse], error) {
	if !stream.Receive() {
		return nil, errors.Join(stream.Err(), invalid("an empty stream"))
	}
	m := stream.Msg()
	path, err := checkPath(m.Path)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, invalid("path: /workspace itself is a folder")
	}
	wanted := attributes{mode: m.Mode & permissions, mtime: time.Now().UnixNano()}
	if m.MtimeUnixNanos != nil {
		wanted.mtime = *m.MtimeUnixNanos
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	t, err := f.workspace.target(path)
	if err != nil {
		return nil, failure("write", path, err)
	}
	defer t.end()
	if err := t.check(); err != nil {
		return nil, err
	}
	w, err := s.newWriting(f)
	if err != nil {
		return nil, failure("write", path, err)
	}
	defer w.end()
	written, err := w.receive(ctx, t.folder, stream)
	if err == nil {
		err = w.publish(t, wanted)
	}
	if err != nil {
		return nil, failure("write", path, err)
	}
	return connect.NewResponse(&guestv1.WriteFileResponse{Path: []byte(t.path), ByteCount: written}), nil
}

// check refuses what cannot become a file with other content.
func (t *target) check() error {
	if t.stat == nil || isRegular(t.stat) {
		return nil
	}
	return refused("%q is %s, not a regular file", t.path, kindWords(t.stat))
}

func kindWords(stat *unix.Stat_t) string {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a file"
	case unix.S_IFDIR:
		return "a folder"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a named pipe (FIFO)"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a device"
}

// attributes are of a file that is new; mtime is of any.
type attributes struct {
	mode  uint32
	mtime int64
}

// A writing is a file without a name, or with the hidden one of a stage of its own, which the disk remembers like any other.
type writing struct {
	service *Service
	folders *folders
	id      string
	fd      int
	// The folder of the hidden name, open: where stages are made.
	home int
	// It has the hidden name.
	named bool
}

func (s *Service) newWriting(f *folders) (*writing, error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	home, err := f.stageHome()
	if err != nil {
		return nil, err
	}
	w := &writing{service: s, folders: f, id: "write-" + hex.EncodeToString(random), fd: -1, home: home}
	if !s.reserve(w.id) {
		closeFd(home)
		return nil, connect.NewError(connect.CodeAborted, errors.New("this id is being staged"))
	}
	return w, nil
}

func (w *writing) end() {
	closeFd(w.fd)
	closeFd(w.home)
	if w.named {
		// What cannot be removed now goes with the next stage or mount.
		_ = w.folders.discard(w.id)
	}
	w.service.unreserve(w.id)
}

func (w *writing) receive(ctx context.Context, folder int, stream *connect.ClientStream[guestv1.WriteFileRequest]) (uint64, error) {
	if err := w.open(folder); err != nil {
		return 0, err
	}
	var written uint64
	for {
		m := stream.Msg()
		if len(m.Data) > maxStageData {
			return written, invalid("data: at most %d bytes", maxStageData)
		}
		n, err := writer(w.fd).Write(m.Data)
		written += uint64(n)
		if err != nil {
			return written, err
		}
		if m.End {
			return written, ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return written, err
		}
		if !stream.Receive() {
			return written, errors.Join(stream.Err(), invalid("the stream ended before the file did"))
		}
	}
}

// open makes a file without a name, on the target's own file system.
func (w *writing) open(folder int) error {
	fd, err := unix.Openat(folder, ".", unix.O_WRONLY|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
	if err == unix.EOPNOTSUPP || err == unix.EISDIR {
		// A kernel whose overlayfs has none.
		return errors.Join(w.remember(), w.openNamed())
	}
	w.fd = fd
	return err
}

// openNamed makes a file with the hidden name.
func (w *writing) openNamed() error {
	w.named = true
	fd, err := unix.Openat(w.home, w.name(), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	w.fd = fd
	return err
}

func (w *writing) name() string { return stagePrefix + w.id }

// remember lets the next mount remove the hidden name.
func (w *writing) remember() error {
	records, err := w.folders.records()
	if err != nil {
		return err
	}
	defer closeFd(records)
	log, err := newFolderLog(records, w.id)
	if err != nil {
		return err
	}
	return log.end()
}

// publish gives the file its name, in one step.
func (w *writing) publish(t *target, wanted attributes) error {
	w.service.committing.Lock()
	defer w.service.committing.Unlock()
	stat, err := statName(t.folder, t.name)
	if err != nil && err != unix.ENOENT {
		return err
	}
	t.stat = stat
	if err := t.check(); err != nil {
		return err
	}
	if err := w.dress(t, wanted); err != nil {
		return err
	}
	if stat == nil && !w.named {
		err := w.link(t.folder, t.name)
		if err != unix.EEXIST {
			return err
		}
		// A program was faster: its file is replaced.
	}
	if !w.named {
		if err := w.remember(); err != nil {
			return err
		}
		w.named = true
		if err := w.link(w.home, w.name()); err != nil {
			return err
		}
	}
	return unix.Renameat(w.home, w.name(), t.folder, t.name)
}

func (w *writing) link(folder int, name string) error {
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", w.fd), folder, name, unix.AT_SYMLINK_FOLLOW)
}

// dress gives the file what the one before it had, and returns when it is on the disk.
func (w *writing) dress(t *target, wanted attributes) error {
	mode := wanted.mode
	if t.stat != nil {
		mode = t.stat.Mode & permissions
		if err := keepOwner(t.stat, w.fd); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(w.fd, mode); err != nil {
		return err
	}
	if t.stat != nil {
		if err := keepAttributes(t.folder, t.name, w.fd); err != nil {
			return err
		}
	}
	return errors.Join(setTime(w.fd, "", wanted.mtime), unix.Fsync(w.fd))
}
