// read.go owns ReadFile; it never opens anything but a regular file.

package files

import (
	"context"
	"io"
	"math"
	"os"
	"strconv"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const chunkBytes = 64 << 10

func (s *Service) ReadFile(ctx context.Context, request *connect.Request[guestv1.ReadFileRequest], stream *connect.ServerStream[guestv1.ReadFileResponse]) error {
	m := request.Msg
	path, err := checkPath(m.Path)
	if err != nil {
		return err
	}
	if m.Offset > math.MaxInt64 {
		return invalid("offset: too large")
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	file, stat, err := openRegular(f.rootOf(m.Root), path)
	if err != nil {
		return failure("read", path, err)
	}
	defer file.Close()
	left := max(stat.Size-int64(m.Offset), 0)
	if m.MaxBytes > 0 && m.MaxBytes < uint64(left) {
		left = int64(m.MaxBytes)
	}
	return sendRange(ctx, plainEntry(path, stat), io.NewSectionReader(file, int64(m.Offset), left), stream)
}

// sendRange sends the entry with the first bytes, and in any case.
func sendRange(ctx context.Context, entry *guestv1.FileEntry, data io.Reader, stream *connect.ServerStream[guestv1.ReadFileResponse]) error {
	buffer := make([]byte, chunkBytes)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(data, buffer)
		if n == 0 && entry == nil {
			return nil
		}
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return failure("read", string(entry.GetPath()), err)
		}
		if err := stream.Send(&guestv1.ReadFileResponse{Entry: entry, Data: buffer[:n]}); err != nil {
			return err
		}
		if n < len(buffer) {
			return nil
		}
		entry = nil
	}
}

// openRegular looks before it opens: opening a pipe or a device does something.
func openRegular(r root, path string) (*os.File, *unix.Stat_t, error) {
	fd, err := r.open(path, unix.O_PATH)
	if err != nil {
		return nil, nil, err
	}
	defer closeFd(fd)
	stat, err := statFd(fd)
	if err != nil {
		return nil, nil, err
	}
	if !isRegular(stat) {
		return nil, nil, refused("%q is not a regular file", path)
	}
	// The very file that was looked at.
	file, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(file), path), stat, nil
}
