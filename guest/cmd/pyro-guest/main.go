// The one native program of pyro: PID 1 and agent inside a machine or sandbox, supervisor and reader of folders outside. This file owns the choice between them.
package main

import (
	"fmt"
	"os"

	"pyro/guest/internal/boot"
	"pyro/guest/internal/hosttree"
	"pyro/guest/internal/probe"
	"pyro/guest/internal/supervise"
)

// Set by the linker.
var version = "dev"

func main() {
	// Before the arguments: the kernel passes words of its command line to init.
	if os.Getpid() == 1 {
		boot.Init("agent")
	}
	if len(os.Args) < 2 {
		usage()
	}
	switch os.Args[1] {
	case "agent":
		fmt.Fprintf(os.Stderr, "pyro-guest: agent: %v\n", serve())
		os.Exit(1)
	case "compat":
		fmt.Fprintf(os.Stderr, "pyro-guest: compat: %v\n", serveSandbox())
		os.Exit(1)
	case "supervise":
		os.Exit(supervise.Main(os.Args[2:]))
	case "probe":
		os.Exit(probe.Main(os.Args[2:]))
	case "hosttree":
		os.Exit(hosttree.Main(os.Args[2:]))
	case "version":
		fmt.Println(version)
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: pyro-guest agent | compat | supervise --deadline-file FILE [--remove PATH]... [--oom-score-adj N] [--pass-fd 3] -- PROGRAM ARGS... | probe kvm|tsc | hosttree list|stat|holdups|pack|digest | version")
	os.Exit(64)
}
