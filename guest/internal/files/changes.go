// changes.go owns ListChanges; it never compares with the seed, and never looks at what was not touched.

package files

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func (s *Service) ListChanges(ctx context.Context, request *connect.Request[guestv1.ListChangesRequest], stream *connect.ServerStream[guestv1.ListChangesResponse]) error {
	m := request.Msg
	if m.MaxEntries < 1 || m.MaxEntries > mostEntries {
		return invalid("max_entries: 1 to %d", mostEntries)
	}
	c := &changes{most: int(m.MaxEntries), exclude: map[string]bool{}, send: stream.Send}
	for _, folder := range m.Exclude {
		path, err := checkPath(folder)
		if err != nil {
			return err
		}
		c.exclude[path] = true
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if f.upper < 0 {
		return refused("this machine has no seed to compare with")
	}
	upper, err := openAt(f.upper, "", openFolder, resolveName)
	if err != nil {
		return failure("list changes of", "", err)
	}
	defer closeFd(upper)
	own, err := readMarks(upper)
	if err != nil {
		return failure("list changes of", "", err)
	}
	if err := visitTree(ctx, c, upper, "", source{marked: string(own.opaque) == "x"}); err != nil {
		return failure("list changes of", "", err)
	}
	if len(c.batch.entries) > 0 {
		return stream.Send(&guestv1.ListChangesResponse{Entries: c.batch.take()})
	}
	return nil
}

// changes is a visitor of the upper layer that sends what it sees.
type changes struct {
	most    int
	seen    int
	exclude map[string]bool
	batch   batch
	send    func(*guestv1.ListChangesResponse) error
}

func (c *changes) room() int { return c.most - c.seen }

// closed: without what is in there the list would be a lie.
func (c *changes) closed(path string, why error) error {
	return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("%q: %w", path, why))
}

func (c *changes) visit(parent source, at found) (source, bool, error) {
	entry, own, err := c.entry(parent, at)
	if err == unix.ENOENT || err == unix.EINVAL || err == unix.ELOOP || err == unix.ENOTDIR {
		return source{}, false, nil
	}
	if err != nil {
		return source{}, false, fmt.Errorf("%q: %w", at.path, err)
	}
	if c.seen == c.most {
		return source{}, false, connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("more than %d files were touched", c.most))
	}
	c.seen++
	if c.batch.add(entry) {
		if err := c.send(&guestv1.ListChangesResponse{Entries: c.batch.take()}); err != nil {
			return source{}, false, err
		}
	}
	return own, isFolder(at.stat) && !c.exclude[at.path], nil
}

func (c *changes) entry(parent source, at found) (*guestv1.FileEntry, source, error) {
	if isFolder(at.stat) {
		return c.folder(parent, at)
	}
	gone, err := isWhiteout(parent, at.folder, at.name, at.stat)
	if err != nil {
		return nil, source{}, err
	}
	if gone {
		entry := &guestv1.FileEntry{Path: []byte(at.path), Kind: guestv1.FileKind_FILE_KIND_WHITEOUT}
		return entry, source{}, nil
	}
	entry, err := entryOf(at.path, at.folder, at.name, at.stat)
	return entry, source{}, err
}

func (c *changes) folder(parent source, at found) (*guestv1.FileEntry, source, error) {
	fd, err := openName(at.folder, at.name, openFolder)
	if err != nil {
		return nil, source{}, err
	}
	defer closeFd(fd)
	m, err := readMarks(fd)
	if err != nil {
		return nil, source{}, err
	}
	own, err := sourceOf(parent, at.name, m)
	if err != nil {
		return nil, source{}, err
	}
	entry := plainEntry(at.path, at.stat)
	entry.Opaque = own.none
	if !own.none && own.path != at.path {
		entry.Redirect = []byte(own.path)
	}
	return entry, own, nil
}
