// service.go owns the table of processes and answers the host's calls about them, all but Follow; it never reads output.

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// Records the table may hold, running or not.
const maxRecords = 4096

// Service implements ProcessServiceHandler.
type Service struct {
	root  Root
	trees Trees
	// The agent's own oom_score_adj; nil where it is not protected.
	oomScore *os.File

	mu      sync.Mutex
	records map[string]*record
	order   []string
}

// NewService starts programs through root and keeps each in a tree. oomScore may be nil.
func NewService(root Root, trees Trees, oomScore *os.File) *Service {
	return &Service{root: root, trees: trees, oomScore: oomScore, records: map[string]*record{}}
}

func (s *Service) Start(ctx context.Context, request *connect.Request[guestv1.StartRequest]) (*connect.Response[guestv1.StartResponse], error) {
	if err := validateStart(request.Msg); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	r, first, err := s.admit(request.Msg.ProcessId)
	if err != nil {
		return nil, err
	}
	if first {
		s.settle(r, request.Msg)
	}
	select {
	case <-r.settled:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.startErr != nil {
		return nil, r.startErr
	}
	return connect.NewResponse(&guestv1.StartResponse{Pid: int32(r.pid)}), nil
}

func (s *Service) settle(r *record, request *guestv1.StartRequest) {
	defer close(r.settled)
	err := s.start(r, request)
	var refused *refusal
	if errors.As(err, &refused) {
		r.refuse(refused.code, refused.message)
		return
	}
	if err != nil {
		s.forget(r)
		var coded *connect.Error
		if !errors.As(err, &coded) {
			err = connect.NewError(connect.CodeInternal, err)
		}
		r.startErr = err
	}
}

func (s *Service) admit(id string) (r *record, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.records[id]; ok {
		return r, false, nil
	}
	if len(s.records) >= maxRecords {
		return nil, false, connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("%d processes are kept; release some", maxRecords))
	}
	r = newRecord(id)
	s.records[id] = r
	s.order = append(s.order, id)
	return r, true, nil
}

// find returns a record whose start has settled.
func (s *Service) find(ctx context.Context, id string) (*record, error) {
	s.mu.Lock()
	r, ok := s.records[id]
	s.mu.Unlock()
	if !ok {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("no process %q", id))
	}
	select {
	case <-r.settled:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.startErr != nil {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("process %q did not start", id))
	}
	return r, nil
}

func (s *Service) forget(r *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[r.id] != r {
		return
	}
	delete(s.records, r.id)
	for i, id := range s.order {
		if id == r.id {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
}

func (s *Service) Acknowledge(ctx context.Context, request *connect.Request[guestv1.AcknowledgeRequest]) (*connect.Response[guestv1.AcknowledgeResponse], error) {
	r, err := s.find(ctx, request.Msg.ProcessId)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.stdout.acknowledge(request.Msg.StdoutCursor), r.stderr.acknowledge(request.Msg.StderrCursor)); err != nil {
		return nil, connect.NewError(connect.CodeOutOfRange, err)
	}
	return connect.NewResponse(&guestv1.AcknowledgeResponse{}), nil
}

func (s *Service) WriteInput(ctx context.Context, request *connect.Request[guestv1.WriteInputRequest]) (*connect.Response[guestv1.WriteInputResponse], error) {
	m := request.Msg
	if len(m.Data) > maxInput {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("data: at most %d bytes", maxInput))
	}
	r, err := s.find(ctx, m.ProcessId)
	if err != nil {
		return nil, err
	}
	if r.input == nil {
		if r.exited() != nil {
			return connect.NewResponse(&guestv1.WriteInputResponse{NextOffset: m.Offset, Closed: true}), nil
		}
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("the process has no standard input"))
	}
	next, closed, err := r.input.write(ctx, m.Offset, m.Data, m.End)
	if errors.Is(err, errInputGap) {
		return nil, connect.NewError(connect.CodeOutOfRange, fmt.Errorf("offset %d: only %d bytes were taken", m.Offset, next))
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&guestv1.WriteInputResponse{NextOffset: next, Closed: closed}), nil
}

func (s *Service) Signal(ctx context.Context, request *connect.Request[guestv1.SignalRequest]) (*connect.Response[guestv1.SignalResponse], error) {
	if request.Msg.Signal < 1 || request.Msg.Signal > 64 {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("signal: 1 to 64"))
	}
	r, err := s.find(ctx, request.Msg.ProcessId)
	if err != nil {
		return nil, err
	}
	signal := syscall.Signal(request.Msg.Signal)
	response := &guestv1.SignalResponse{}
	switch {
	case r.tree == nil:
	case request.Msg.Target == guestv1.SignalTarget_SIGNAL_TARGET_TREE:
		response.Delivered = r.tree.Signal(signal)
	default:
		response.Delivered = r.signalGroup(signal)
	}
	return connect.NewResponse(response), nil
}

func (s *Service) Resize(ctx context.Context, request *connect.Request[guestv1.ResizeRequest]) (*connect.Response[guestv1.ResizeResponse], error) {
	if err := validateTerminal(request.Msg.Terminal); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	r, err := s.find(ctx, request.Msg.ProcessId)
	if err != nil {
		return nil, err
	}
	if err := r.resize(request.Msg.Terminal); err != nil {
		return nil, connect.NewError(connect.CodeFailedPrecondition, err)
	}
	return connect.NewResponse(&guestv1.ResizeResponse{}), nil
}

func (s *Service) List(context.Context, *connect.Request[guestv1.ListRequest]) (*connect.Response[guestv1.ListResponse], error) {
	response := &guestv1.ListResponse{}
	for _, r := range s.snapshot() {
		select {
		case <-r.settled:
			response.Processes = append(response.Processes, r.info())
		default:
		}
	}
	return connect.NewResponse(response), nil
}

func (s *Service) Release(ctx context.Context, request *connect.Request[guestv1.ReleaseRequest]) (*connect.Response[guestv1.ReleaseResponse], error) {
	r, err := s.find(ctx, request.Msg.ProcessId)
	if err != nil {
		return nil, err
	}
	if request.Msg.LeaveRunning {
		if r.exited() == nil {
			return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("the program still runs"))
		}
		s.forget(r)
		r.abandon()
	} else {
		s.forget(r)
		r.release()
	}
	return connect.NewResponse(&guestv1.ReleaseResponse{}), nil
}

func (s *Service) snapshot() []*record {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := make([]*record, 0, len(s.order))
	for _, id := range s.order {
		records = append(records, s.records[id])
	}
	return records
}

// Clear kills and forgets everything and waits until no process is left.
func (s *Service) Clear(ctx context.Context) error {
	for _, r := range s.snapshot() {
		select {
		case <-r.settled:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.forget(r)
		r.release()
	}
	return s.trees.KillAll(ctx)
}

// exposed runs f while the agent, and so its children, may be chosen by the out-of-memory killer.
func (s *Service) exposed(f func()) {
	if s.oomScore != nil {
		_, _ = s.oomScore.WriteAt([]byte("0"), 0)
		defer func() { _, _ = s.oomScore.WriteAt([]byte("-1000"), 0) }()
	}
	f()
}
