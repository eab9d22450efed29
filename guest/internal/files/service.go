// service.go owns which folders the calls work on, and that none is in use when they go; it never touches a file itself.

// Package files implements FileService: the files of a workspace.
package files

import (
	"context"
	"errors"
	"sync"

	"connectrpc.com/connect"

	"pyro/guest/internal/machine"
)

// Service implements FileServiceHandler on the folders of the machine's mounts, from goroutines that see only the initramfs.
type Service struct {
	// One at a time changes /workspace.
	committing sync.Mutex

	mu sync.Mutex
	// nil while nothing is mounted.
	folders *folders
	// Ids of stages that are being written.
	staging map[string]bool
}

func NewService() *Service { return &Service{staging: map[string]bool{}} }

// folders are descriptors; they and what was opened through them keep the mounts busy.
type folders struct {
	workspace root
	seed      root
	// Where overlayfs keeps what was touched; -1 without a seed.
	upper int
	disk  int
	// Ends when the folders have to be let go of.
	open  context.Context
	close context.CancelFunc
	users sync.WaitGroup
}

// Attach takes the descriptors over, also when it fails, and finishes what the last mount left undone.
func (s *Service) Attach(given machine.Folders) error {
	f := &folders{workspace: root{given.Workspace}, seed: root{given.Seed}, upper: given.Upper, disk: given.Disk}
	if err := f.recover(); err != nil {
		f.closeAll()
		return err
	}
	f.open, f.close = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders = f
	return nil
}

// Detach lets go of the folders once the calls that use them have ended, which it hurries. On failure they stay.
func (s *Service) Detach(ctx context.Context) error {
	s.mu.Lock()
	f := s.folders
	s.folders = nil
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	f.close()
	ended := make(chan struct{})
	go func() {
		f.users.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		f.closeAll()
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.open, f.close = context.WithCancel(context.Background())
	s.folders = f
	return errors.Join(errors.New("a call still uses the workspace's files"), ctx.Err())
}

func (f *folders) closeAll() {
	for _, fd := range []int{f.workspace.fd, f.seed.fd, f.upper, f.disk} {
		closeFd(fd)
	}
}

// use gives the folders to one call, with a context that ends with the call and with Detach.
func (s *Service) use(ctx context.Context) (*folders, context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.folders
	if f == nil {
		return nil, nil, nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("nothing is mounted"))
	}
	f.users.Add(1)
	bounded, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(f.open, cancel)
	return f, bounded, func() {
		stop()
		cancel()
		f.users.Done()
	}, nil
}
