// Owns the command line of the probes: one JSON line for each. Never judges what it measured.
package probe

import (
	"encoding/json"
	"fmt"
	"os"
)

// Main runs `probe NAME` and returns the exit status.
func Main(args []string) int {
	if len(args) != 1 {
		return usage()
	}
	switch args[0] {
	case "tsc":
		khz, err := TSCKilohertz()
		if err != nil {
			fmt.Fprintf(os.Stderr, "pyro-guest: probe tsc: %v\n", err)
			return 1
		}
		return report(map[string]any{"khz": khz})
	case "kvm":
		return report(KVM())
	default:
		return usage()
	}
}

func report(value any) int {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fmt.Fprintf(os.Stderr, "pyro-guest: probe: %v\n", err)
		return 1
	}
	return 0
}

func usage() int {
	fmt.Fprintln(os.Stderr, "usage: pyro-guest probe kvm | tsc")
	return 64
}
