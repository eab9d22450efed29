// list.go owns ListFiles; it never opens what it lists, only the folders.

package files

import (
	"context"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const mostEntries = 1_000_000

func (s *Service) ListFiles(ctx context.Context, request *connect.Request[guestv1.ListFilesRequest], stream *connect.ServerStream[guestv1.ListFilesResponse]) error {
	m := request.Msg
	path, err := checkPath(m.Path)
	if err != nil {
		return err
	}
	if m.MaxEntries < 1 || m.MaxEntries > mostEntries {
		return invalid("max_entries: 1 to %d", mostEntries)
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	folder, err := openListed(f.rootOf(m.Root), path)
	if err != nil {
		return failure("list", path, err)
	}
	defer closeFd(folder)
	l := &listing{recursive: m.Recursive, left: int(m.MaxEntries), send: stream.Send}
	if err := visitTree(ctx, l, folder, path, struct{}{}); err != nil && err != errEnough {
		return failure("list", path, err)
	}
	if l.truncated || len(l.batch.entries) > 0 {
		return stream.Send(&guestv1.ListFilesResponse{Entries: l.batch.take(), Truncated: l.truncated})
	}
	return nil
}

func (f *folders) rootOf(which guestv1.FileRoot) root {
	if which == guestv1.FileRoot_FILE_ROOT_SEED {
		return f.seed
	}
	return f.workspace
}

func openListed(r root, path string) (int, error) {
	folder, err := r.open(path, openFolder)
	if err != unix.ENOTDIR {
		return folder, err
	}
	// A missing folder above is something else than a file at the end.
	if fd, err := r.open(path, unix.O_PATH); err == nil {
		closeFd(fd)
		return -1, refused("%q is not a folder", path)
	}
	return -1, err
}

// A listing is a visitor that sends what it sees.
type listing struct {
	recursive bool
	left      int
	truncated bool
	batch     batch
	send      func(*guestv1.ListFilesResponse) error
}

func (l *listing) room() int { return l.left }

func (l *listing) closed(string, error) error { return nil }

func (l *listing) visit(_ struct{}, at found) (struct{}, bool, error) {
	if len(at.path) > maxPath {
		return struct{}{}, false, nil
	}
	if l.left == 0 {
		l.truncated = true
		return struct{}{}, false, errEnough
	}
	entry, err := entryOf(at.path, at.folder, at.name, at.stat)
	if err == unix.ENOENT || err == unix.EINVAL {
		return struct{}{}, false, nil
	}
	if err != nil {
		return struct{}{}, false, err
	}
	l.left--
	if l.batch.add(entry) {
		err = l.send(&guestv1.ListFilesResponse{Entries: l.batch.take()})
	}
	return struct{}{}, l.recursive && isFolder(at.stat), err
}
