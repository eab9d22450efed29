// args.go owns reading the supervisor's command line; it never acts on it.

package supervise

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
)

type options struct {
	deadlineFile string
	remove       []string
	oomScoreAdj  *int
	// The program gets our descriptor 3 as its own.
	passChannel bool
	program     []string
}

func parseArgs(args []string) (options, error) {
	var o options
	for i := 0; i < len(args); i += 2 {
		if args[i] == "--" {
			o.program = args[i+1:]
			break
		}
		if i+1 >= len(args) {
			return o, fmt.Errorf("%s needs a value", args[i])
		}
		if err := o.set(args[i], args[i+1]); err != nil {
			return o, err
		}
	}
	if o.deadlineFile == "" {
		return o, errors.New("--deadline-file is missing")
	}
	if len(o.program) == 0 {
		return o, errors.New("no program after --")
	}
	return o, nil
}

func (o *options) set(flag, value string) error {
	switch flag {
	case "--deadline-file":
		o.deadlineFile = value
	case "--remove":
		if !removable(value) {
			return fmt.Errorf("--remove %q: an absolute, cleaned path, not /", value)
		}
		o.remove = append(o.remove, value)
	case "--oom-score-adj":
		n, err := strconv.Atoi(value)
		if err != nil || n < -1000 || n > 1000 {
			return fmt.Errorf("--oom-score-adj %q: -1000 to 1000", value)
		}
		o.oomScoreAdj = &n
	case "--pass-fd":
		if value != strconv.Itoa(channelDescriptor) {
			return fmt.Errorf("--pass-fd %q: only %d", value, channelDescriptor)
		}
		o.passChannel = true
	default:
		return fmt.Errorf("unknown flag %q", flag)
	}
	return nil
}

func removable(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && path != "/"
}
