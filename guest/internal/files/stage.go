// stage.go owns Stage: from the stream of a tar archive to a staging folder; it never changes what programs see.

package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const (
	maxStageID   = 64
	maxStageData = 256 << 10
)

func (s *Service) Stage(ctx context.Context, stream *connect.ClientStream[guestv1.StageRequest]) (*connect.Response[guestv1.StageResponse], error) {
	if !stream.Receive() {
		return nil, errors.Join(stream.Err(), invalid("an empty stream"))
	}
	id := stream.Msg().StageId
	if err := checkStageID(id); err != nil {
		return nil, err
	}
	f, ctx, leave, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !s.reserve(id) {
		return nil, connect.NewError(connect.CodeAborted, errors.New("this id is being staged"))
	}
	defer s.unreserve(id)
	archive := &received{ctx: ctx, stream: stream, data: stream.Msg().Data}
	if f.begun(id) {
		return nil, refused("the commit of this id was begun and has to be finished first")
	}
	if err := s.discardOthers(f); err != nil {
		return nil, failure("stage", id, err)
	}
	response, err := f.stage(id, archive)
	if err != nil {
		return nil, failure("stage", id, errors.Join(err, f.discard(id)))
	}
	return connect.NewResponse(response), nil
}

func (f *folders) stage(id string, archive io.Reader) (*guestv1.StageResponse, error) {
	u, err := f.newStage(id)
	if err != nil {
		return nil, err
	}
	err = u.unpack(archive)
	if err == nil {
		// The rest, so that the sender need not wait for an answer.
		_, err = io.Copy(io.Discard, archive)
	}
	if err = errors.Join(err, u.end()); err != nil {
		return nil, err
	}
	return &guestv1.StageResponse{FileCount: u.files, ByteCount: u.bytes}, nil
}

// discardOthers removes what nobody has committed, for its sender may be gone.
func (s *Service) discardOthers(f *folders) error {
	records, err := f.records()
	if err != nil {
		return err
	}
	defer closeFd(records)
	var failed error
	err = f.eachRecord(records, func(id, phase string) {
		if phase != phaseFolders || f.begun(id) || !s.reserve(id) {
			return
		}
		defer s.unreserve(id)
		failed = errors.Join(failed, f.discard(id))
	})
	return errors.Join(err, failed)
}

func (s *Service) reserve(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.staging[id] {
		return false
	}
	s.staging[id] = true
	return true
}

func (s *Service) unreserve(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.staging, id)
}

func checkStageID(id string) error {
	if len(id) < 1 || len(id) > maxStageID {
		return invalid("stage_id: 1 to %d characters", maxStageID)
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return invalid("stage_id: characters of [a-z0-9_-]")
		}
	}
	return nil
}

// received reads the data of a stream's messages.
type received struct {
	ctx    context.Context
	stream *connect.ClientStream[guestv1.StageRequest]
	data   []byte
}

func (r *received) Read(buffer []byte) (int, error) {
	for len(r.data) == 0 {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if !r.stream.Receive() {
			if err := r.stream.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		r.data = r.stream.Msg().Data
		if len(r.data) > maxStageData {
			return 0, invalid("data: at most %d bytes", maxStageData)
		}
	}
	n := copy(buffer, r.data)
	r.data = r.data[n:]
	return n, nil
}

// unpack writes every entry; what it refuses leaves a part behind.
func (u *unpacker) unpack(archive io.Reader) error {
	reader := tar.NewReader(bufio.NewReaderSize(archive, chunkBytes))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || errors.Is(err, io.ErrUnexpectedEOF) {
			return invalid("no tar archive: %w", err)
		}
		if err != nil {
			return err
		}
		path, err := entryPath(header.Name)
		if err != nil {
			return err
		}
		if path == "" && header.Typeflag == tar.TypeDir {
			// The destination keeps its own mode.
			continue
		}
		if err := u.entry(path, header, reader); errors.Is(err, io.ErrUnexpectedEOF) {
			return invalid("the archive ends within %q", path)
		} else if err != nil {
			return failure("stage", path, err)
		}
	}
}
