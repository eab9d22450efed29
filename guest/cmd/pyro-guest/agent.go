// agent.go owns wiring the agent together: port, services, limits of its own memory. It never answers a call.

package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"

	"pyro/guest/internal/channel"
	"pyro/guest/internal/files"
	"pyro/guest/internal/gen/pyro/guest/v1/guestv1connect"
	"pyro/guest/internal/machine"
	"pyro/guest/internal/process"
)

const (
	portName     = "pyro.agent"
	portPatience = 10 * time.Second
	// Soft: the collector works harder above it.
	heapGoal = 48 << 20
)

// serve returns only when the agent cannot go on.
func serve() error {
	debug.SetMemoryLimit(heapGoal)
	oomScore, err := os.OpenFile("/proc/self/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	folder, err := machine.PrepareGroups("/sys/fs/cgroup")
	if err != nil {
		return fmt.Errorf("control groups: %w", err)
	}
	trees := process.NewCgroupTrees(folder)
	if err := trees.Warm(); err != nil {
		return err
	}
	// Mount tries again, and tells the host why it failed.
	if err := machine.MountBase(); err != nil {
		fmt.Fprintf(os.Stderr, "pyro-guest: base: %v\n", err)
	}
	m := machine.New(version)
	processes := process.NewService(m, trees, oomScore)
	workspace := files.NewService()
	m.Processes, m.Files = processes, workspace
	port, err := channel.OpenPort(portName, portPatience)
	if err != nil {
		return err
	}
	return channel.Serve(channel.NewListener(port), routes(m, processes, workspace))
}

func routes(m guestv1connect.MachineServiceHandler, p guestv1connect.ProcessServiceHandler, f guestv1connect.FileServiceHandler) http.Handler {
	mux := http.NewServeMux()
	// Compressing costs more than the channel does.
	plain := connect.WithCompression("gzip", nil, nil)
	mux.Handle(guestv1connect.NewMachineServiceHandler(m, plain))
	mux.Handle(guestv1connect.NewProcessServiceHandler(p, plain))
	mux.Handle(guestv1connect.NewFileServiceHandler(f, plain))
	return mux
}
