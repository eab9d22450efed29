// sandbox.go owns the machine service where there is no machine: names and files in the root the agent already has. It
// never touches clock, entropy or drives, which are the host's.

package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// Sandbox implements MachineServiceHandler.
type Sandbox struct {
	version   string
	processes Processes

	mu       sync.Mutex
	identity identity
	mounted  bool
}

func NewSandbox(version string, processes Processes) *Sandbox {
	return &Sandbox{version: version, processes: processes}
}

func (s *Sandbox) Hello(context.Context, *connect.Request[guestv1.HelloRequest]) (*connect.Response[guestv1.HelloResponse], error) {
	memory, err := ReadMemory()
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return connect.NewResponse(&guestv1.HelloResponse{
		ProtocolVersion:      ProtocolVersion,
		AgentVersion:         s.version,
		KernelRelease:        kernelRelease(),
		Mounted:              s.mounted,
		MemoryTotalBytes:     memory.Total,
		MemoryAvailableBytes: memory.Available,
		Capabilities:         capabilities,
	}), nil
}

// Identify takes the names only; bubblewrap has set the host name.
func (s *Sandbox) Identify(_ context.Context, request *connect.Request[guestv1.IdentifyRequest]) (*connect.Response[guestv1.IdentifyResponse], error) {
	if err := validateIdentify(request.Msg); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity = identity{hostname: request.Msg.Hostname, machineID: request.Msg.MachineId}
	return connect.NewResponse(&guestv1.IdentifyResponse{}), nil
}

// SetClock does nothing: the clock is the host's.
func (s *Sandbox) SetClock(context.Context, *connect.Request[guestv1.SetClockRequest]) (*connect.Response[guestv1.SetClockResponse], error) {
	return connect.NewResponse(&guestv1.SetClockResponse{}), nil
}

func (s *Sandbox) Mount(_ context.Context, request *connect.Request[guestv1.MountRequest]) (*connect.Response[guestv1.MountResponse], error) {
	if request.Msg.Seed {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("a sandbox has no seed drive"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mounted {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("already mounted"))
	}
	if err := withRoot("/", func(root int) error { return s.fill(root, request.Msg.Files) }); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	s.mounted = true
	return connect.NewResponse(&guestv1.MountResponse{}), nil
}

func (s *Sandbox) fill(root int, files []*guestv1.GuestFile) error {
	if err := s.identity.writeNames(root); err != nil {
		return err
	}
	for _, file := range files {
		if file.Mode > 0o7777 {
			return fmt.Errorf("mode of %s: permission bits only", file.Path)
		}
		if err := writeFile(root, file.Path, file.Content, file.Mode); err != nil {
			return err
		}
	}
	return os.MkdirAll("/workspace", 0o755)
}

func (s *Sandbox) Unmount(ctx context.Context, _ *connect.Request[guestv1.UnmountRequest]) (*connect.Response[guestv1.UnmountResponse], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.processes.Clear(ctx); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	s.mounted = false
	return connect.NewResponse(&guestv1.UnmountResponse{}), nil
}

// Sync does nothing: nothing of a sandbox is kept.
func (s *Sandbox) Sync(context.Context, *connect.Request[guestv1.SyncRequest]) (*connect.Response[guestv1.SyncResponse], error) {
	return connect.NewResponse(&guestv1.SyncResponse{}), nil
}
