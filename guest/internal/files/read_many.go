// read_many.go owns ReadFiles; it never says why it left a file out: ReadFile does.

package files

import (
	"context"
	"io"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const (
	mostFiles      = 512
	smallFileBytes = 64 << 10
	messageBytes   = 256 << 10
)

func (s *Service) ReadFiles(ctx context.Context, request *connect.Request[guestv1.ReadFilesRequest], stream *connect.ServerStream[guestv1.ReadFilesResponse]) error {
	wanted := request.Msg.Files
	if len(wanted) < 1 || len(wanted) > mostFiles {
		return invalid("files: 1 to %d", mostFiles)
	}
	paths := make([]string, len(wanted))
	for i, file := range wanted {
		path, err := checkPath(file.Path)
		if err != nil {
			return err
		}
		paths[i] = path
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return err
	}
	defer leave()
	message := &guestv1.ReadFilesResponse{}
	bytes := 0
	for i, file := range wanted {
		if err := ctx.Err(); err != nil {
			return err
		}
		content := readSmall(f.rootOf(file.Root), paths[i])
		if content == nil {
			continue
		}
		if len(message.Files) > 0 && bytes+len(content.Data) > messageBytes {
			if err := stream.Send(message); err != nil {
				return err
			}
			message, bytes = &guestv1.ReadFilesResponse{}, 0
		}
		content.Index = uint32(i)
		message.Files = append(message.Files, content)
		bytes += len(content.Data)
	}
	if len(message.Files) == 0 {
		return nil
	}
	return stream.Send(message)
}

// readSmall gives nil for what is no regular file, is too large, or cannot be read.
func readSmall(r root, path string) *guestv1.FileContent {
	file, stat, err := openRegular(r, path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if stat.Size > smallFileBytes {
		return nil
	}
	// It may grow or shrink meanwhile.
	data := make([]byte, stat.Size)
	n, err := io.ReadFull(file, data)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil
	}
	return &guestv1.FileContent{Mode: stat.Mode & permissions, Data: data[:n]}
}
