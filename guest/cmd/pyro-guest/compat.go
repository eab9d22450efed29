// compat.go owns wiring the agent of a sandbox together, for hosts without machines. It never answers a call.

package main

import (
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"pyro/guest/internal/channel"
	"pyro/guest/internal/gen/pyro/guest/v1/guestv1connect"
	"pyro/guest/internal/machine"
	"pyro/guest/internal/process"
)

// What supervise --pass-channel hands on.
const channelDescriptor = 3

// serveSandbox returns only when the agent cannot go on.
func serveSandbox() error {
	debug.SetMemoryLimit(heapGoal)
	// Programs must not inherit it.
	unix.CloseOnExec(channelDescriptor)
	unix.Umask(0o022)
	trees, err := process.NewSandboxTrees()
	if err != nil {
		return err
	}
	// So that it goes through the runtime's poller.
	if err := unix.SetNonblock(channelDescriptor, true); err != nil {
		return err
	}
	port := os.NewFile(channelDescriptor, "channel")
	processes := process.NewService(process.HostRoot{}, trees, nil)
	sandbox := machine.NewSandbox(version, processes)
	files := guestv1connect.UnimplementedFileServiceHandler{}
	return channel.Serve(channel.NewListener(port), routes(sandbox, processes, files))
}
