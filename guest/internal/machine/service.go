// service.go owns the machine's state, mounted or not, and answers the host's calls about it; it never starts programs.

package machine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// ProtocolVersion goes up with every change that an older host or agent would misunderstand.
const ProtocolVersion = 1

// What was added since without changing what there was; a host asks for it only where it is named here.
var capabilities = []string{"heartbeats", "write_file", "background"}

// Processes is what Unmount has to end first.
type Processes interface {
	Clear(ctx context.Context) error
}

// Machine implements MachineServiceHandler, and the root in which programs start.
type Machine struct {
	version string
	// Set once, before serving.
	Processes Processes
	Files     Files

	// Held through Identify, Mount and Unmount.
	changing sync.Mutex
	identity identity
	layout   *layout
	// The thread of a root that is being taken apart.
	leaving *thread

	// Programs start under the read lock.
	mounted sync.RWMutex
	thread  *thread
}

func New(version string) *Machine { return &Machine{version: version} }

// Run runs f in the machine's root.
func (m *Machine) Run(f func() error) error {
	m.mounted.RLock()
	defer m.mounted.RUnlock()
	if m.thread == nil {
		return connect.NewError(connect.CodeFailedPrecondition, errors.New("nothing is mounted"))
	}
	return m.thread.run(f)
}

func (m *Machine) setThread(t *thread) {
	m.mounted.Lock()
	defer m.mounted.Unlock()
	m.thread = t
}

func (m *Machine) Hello(context.Context, *connect.Request[guestv1.HelloRequest]) (*connect.Response[guestv1.HelloResponse], error) {
	memory, err := ReadMemory()
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	m.mounted.RLock()
	defer m.mounted.RUnlock()
	return connect.NewResponse(&guestv1.HelloResponse{
		ProtocolVersion:      ProtocolVersion,
		AgentVersion:         m.version,
		KernelRelease:        kernelRelease(),
		Mounted:              m.thread != nil,
		MemoryTotalBytes:     memory.Total,
		MemoryAvailableBytes: memory.Available,
		Capabilities:         capabilities,
	}), nil
}

func (m *Machine) Identify(_ context.Context, request *connect.Request[guestv1.IdentifyRequest]) (*connect.Response[guestv1.IdentifyResponse], error) {
	if err := validateIdentify(request.Msg); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	if err := identify(request.Msg); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	m.identity = identity{hostname: request.Msg.Hostname, machineID: request.Msg.MachineId}
	if m.layout != nil {
		if err := m.Run(func() error { return withRoot("/", m.identity.writeNames) }); err != nil {
			return nil, connect.NewError(connect.CodeInternal, err)
		}
	}
	return connect.NewResponse(&guestv1.IdentifyResponse{}), nil
}

func (m *Machine) SetClock(_ context.Context, request *connect.Request[guestv1.SetClockRequest]) (*connect.Response[guestv1.SetClockResponse], error) {
	if err := validateClock(request.Msg.WallClockUnixNanos); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	if err := setClock(request.Msg.WallClockUnixNanos); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	return connect.NewResponse(&guestv1.SetClockResponse{}), nil
}

func (m *Machine) Mount(ctx context.Context, request *connect.Request[guestv1.MountRequest]) (*connect.Response[guestv1.MountResponse], error) {
	for _, file := range request.Msg.Files {
		if err := checkPath(file.Path); err != nil {
			return nil, connect.NewError(connect.CodeInvalidArgument, err)
		}
		if file.Mode > 0o7777 {
			return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("mode of %s: permission bits only", file.Path))
		}
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	if m.layout != nil {
		if m.layout.seed || !request.Msg.Seed || m.thread == nil {
			return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("already mounted"))
		}
		if err := m.addSeed(ctx, request.Msg.Files); err != nil {
			return nil, connect.NewError(connect.CodeInternal, err)
		}
		return connect.NewResponse(&guestv1.MountResponse{}), nil
	}
	thread, err := newThread()
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	err = thread.run(func() error {
		var err error
		m.layout, err = m.assemble(request.Msg)
		return err
	})
	if err != nil {
		thread.end()
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	m.setThread(thread)
	return connect.NewResponse(&guestv1.MountResponse{}), nil
}

// assemble runs on the new thread. On failure nothing stays mounted.
func (m *Machine) assemble(request *guestv1.MountRequest) (*layout, error) {
	l, err := putTogether(request.Seed)
	if err != nil {
		return nil, err
	}
	err = withRoot(sysroot, func(root int) error {
		return errors.Join(m.identity.writeNames(root), writeFiles(root, request.Files))
	})
	if err == nil {
		err = m.share(request.Seed)
	}
	if err == nil {
		if err = l.enter(); err == nil {
			return l, nil
		}
	}
	return nil, errors.Join(err, m.Files.Detach(context.Background()), unmountTree())
}

// addSeed mounts the seed in a root that is mounted without one. On failure the root cannot be used any more, only unmounted.
func (m *Machine) addSeed(ctx context.Context, files []*guestv1.GuestFile) error {
	thread := m.thread
	// No program starts meanwhile.
	m.setThread(nil)
	m.leaving = thread
	if err := m.Files.Detach(ctx); err != nil {
		return err
	}
	err := thread.run(func() error {
		if err := m.layout.leave(); err != nil {
			return err
		}
		m.layout.seed = true
		if err := m.layout.mountWorkspace(true); err != nil {
			return err
		}
		err := withRoot(sysroot, func(root int) error { return writeFiles(root, files) })
		if err == nil {
			err = m.share(true)
		}
		if err != nil {
			return err
		}
		return m.layout.enter()
	})
	if err != nil {
		return err
	}
	m.leaving = nil
	m.setThread(thread)
	return nil
}

func writeFiles(root int, files []*guestv1.GuestFile) error {
	for _, file := range files {
		if file.Keep && exists(root, file.Path) {
			continue
		}
		if err := writeFile(root, file.Path, file.Content, file.Mode); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) share(seed bool) error {
	folders, err := openFolders(seed)
	if err != nil {
		return err
	}
	return m.Files.Attach(folders)
}

func withRoot(folder string, f func(root int) error) error {
	root, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	return f(root)
}

func (m *Machine) Unmount(ctx context.Context, _ *connect.Request[guestv1.UnmountRequest]) (*connect.Response[guestv1.UnmountResponse], error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	if m.layout == nil {
		return connect.NewResponse(&guestv1.UnmountResponse{}), nil
	}
	// From here on no program starts. Nil when an earlier call failed half-way: this one goes on with it.
	if m.thread != nil {
		m.leaving = m.thread
		m.setThread(nil)
	}
	if err := errors.Join(m.Processes.Clear(ctx), m.Files.Detach(ctx)); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	unix.Sync()
	if err := m.leaving.run(m.layout.takeApart); err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	m.leaving.end()
	m.layout, m.leaving = nil, nil
	return connect.NewResponse(&guestv1.UnmountResponse{}), nil
}

func (m *Machine) Sync(context.Context, *connect.Request[guestv1.SyncRequest]) (*connect.Response[guestv1.SyncResponse], error) {
	unix.Sync()
	return connect.NewResponse(&guestv1.SyncResponse{}), nil
}
