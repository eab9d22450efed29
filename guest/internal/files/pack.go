// pack.go owns Pack: a tree as a tar archive; it never reads outside the tree, and never two files at once.

package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func (s *Service) Pack(ctx context.Context, request *connect.Request[guestv1.PackRequest], stream *connect.ServerStream[guestv1.PackResponse]) error {
	path, err := checkPath(request.Msg.Path)
	if err != nil {
		return err
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	out := bufio.NewWriterSize(sender(func(data []byte) error {
		return stream.Send(&guestv1.PackResponse{Data: data})
	}), chunkBytes)
	p := &packer{ctx: ctx, tar: tar.NewWriter(out), links: map[uint64]string{}, buffer: make([]byte, chunkBytes)}
	if request.Msg.ContentOnly {
		err = p.inside(f.workspace, path)
	} else {
		err = p.whole(f.workspace, path)
	}
	if err != nil {
		return failure("pack", path, err)
	}
	if err := errors.Join(p.tar.Close(), out.Flush()); err != nil {
		return err
	}
	for len(p.skipped) > 0 {
		n := min(len(p.skipped), batchEntries)
		if err := stream.Send(&guestv1.PackResponse{Skipped: p.skipped[:n], SkippedKinds: p.kinds[:n]}); err != nil {
			return err
		}
		p.skipped, p.kinds = p.skipped[n:], p.kinds[n:]
	}
	return nil
}

// A sender sends what is written to it, in pieces of at most a chunk.
type sender func([]byte) error

func (s sender) Write(data []byte) (int, error) {
	for at := 0; at < len(data); at += chunkBytes {
		if err := s(data[at:min(at+chunkBytes, len(data))]); err != nil {
			return at, err
		}
	}
	return len(data), nil
}

// A packer is a visitor that archives what it sees.
type packer struct {
	ctx context.Context
	tar *tar.Writer
	// Length of what names in the archive leave out, and what stands there instead.
	cut    int
	prefix string
	// First name in the archive of each file that has several.
	links        map[uint64]string
	skipped      [][]byte
	kinds        []guestv1.FileKind
	skippedBytes int
	buffer       []byte
}

const mostSkippedBytes = 16 << 20

func (p *packer) inside(r root, path string) error {
	folder, err := openListed(r, path)
	if err != nil {
		return err
	}
	defer closeFd(folder)
	if path != "" {
		p.cut = len(path) + 1
	}
	return visitTree(p.ctx, p, folder, path, struct{}{})
}

func (p *packer) whole(r root, path string) error {
	if path == "" {
		p.prefix = workspaceName + "/"
		stat, err := statFd(r.fd)
		if err != nil {
			return err
		}
		if err := p.tar.WriteHeader(header(p.prefix, stat)); err != nil {
			return err
		}
		return p.inside(r, path)
	}
	folder, name, err := r.parent(path)
	if err != nil {
		return err
	}
	defer closeFd(folder)
	stat, err := statName(folder, name)
	if err != nil {
		return err
	}
	p.cut = len(path) - len(name)
	_, inside, err := p.visit(struct{}{}, found{path, folder, name, stat})
	if err != nil || !inside {
		return err
	}
	return enter(p.ctx, p, folder, path[:max(p.cut-1, 0)], pending[struct{}]{key: name + "/"})
}

func (p *packer) room() int { return mostEntries * 16 }

func (p *packer) closed(path string, _ error) error {
	return p.skip(path, guestv1.FileKind_FILE_KIND_DIRECTORY)
}

func (p *packer) skip(path string, kind guestv1.FileKind) error {
	if p.skippedBytes += len(path); p.skippedBytes > mostSkippedBytes {
		return connect.NewError(connect.CodeResourceExhausted, errors.New("too many files that no archive can hold"))
	}
	p.skipped, p.kinds = append(p.skipped, []byte(path)), append(p.kinds, kind)
	return nil
}

func (p *packer) visit(_ struct{}, at found) (struct{}, bool, error) {
	err := p.archive(at)
	if errors.Is(err, unix.ENOENT) {
		return struct{}{}, false, nil
	}
	return struct{}{}, err == nil && isFolder(at.stat), err
}

func (p *packer) archive(at found) error {
	if len(at.path) > maxPath {
		return p.skip(at.path, kindOf(at.stat))
	}
	name := p.prefix + at.path[p.cut:]
	switch at.stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return p.tar.WriteHeader(header(name+"/", at.stat))
	case unix.S_IFLNK:
		target, err := readLink(at.folder, at.name)
		if err == unix.EINVAL {
			return unix.ENOENT
		}
		if err != nil {
			return err
		}
		h := header(name, at.stat)
		h.Linkname = target
		return p.tar.WriteHeader(h)
	case unix.S_IFREG:
		return p.file(name, at)
	}
	return p.skip(at.path, kindOf(at.stat))
}

func (p *packer) file(name string, at found) error {
	fd, err := openName(at.folder, at.name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err == unix.ELOOP || err == unix.ENXIO {
		// Something else has taken its name.
		return unix.ENOENT
	}
	if err != nil {
		return err
	}
	defer closeFd(fd)
	stat, err := statFd(fd)
	if err != nil {
		return err
	}
	if !isRegular(stat) {
		return unix.ENOENT
	}
	h := header(name, stat)
	if stat.Nlink > 1 {
		if first, ok := p.links[stat.Ino]; ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
			return p.tar.WriteHeader(h)
		}
		p.links[stat.Ino] = name
	}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	return p.content(fd, stat.Size)
}

// content archives exactly size bytes: what the file lacks by now is zeros.
func (p *packer) content(fd int, size int64) error {
	for left := size; left > 0; {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		buffer := p.buffer[:min(left, int64(len(p.buffer)))]
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			clear(buffer)
			n = len(buffer)
		}
		if _, err := p.tar.Write(buffer[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

func header(name string, stat *unix.Stat_t) *tar.Header {
	h := &tar.Header{
		Name:    name,
		Mode:    int64(stat.Mode & permissions),
		ModTime: time.Unix(stat.Mtim.Unix()),
		Format:  tar.FormatPAX,
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		h.Typeflag = tar.TypeDir
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
	default:
		h.Typeflag, h.Size = tar.TypeReg, stat.Size
	}
	return h
}
