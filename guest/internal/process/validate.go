// validate.go owns what a request may contain; it never looks at the machine.

package process

import (
	"errors"
	"fmt"
	"path"
	"strings"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const (
	maxInput     = 256 << 10
	maxCells     = 10_000
	maxTimeoutMs = 366 * 24 * 3600 * 1000
)

func validID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// validEnv accepts NAME=value. A name may hold anything but '=' and NUL, as the kernel lets it.
func validEnv(entry string) bool {
	name, _, found := strings.Cut(entry, "=")
	return found && name != "" && strings.IndexByte(entry, 0) < 0
}

func validateTerminal(t *guestv1.Terminal) error {
	if t.GetCols() < 1 || t.GetCols() > maxCells || t.GetRows() < 1 || t.GetRows() > maxCells {
		return fmt.Errorf("a terminal has 1 to %d cols and rows", maxCells)
	}
	return nil
}

func validateStart(r *guestv1.StartRequest) error {
	if !validID(r.ProcessId) {
		return errors.New("process_id: 1 to 64 characters of [a-z0-9_-]")
	}
	if len(r.Argv) == 0 {
		return errors.New("argv is empty")
	}
	for _, arg := range r.Argv {
		if strings.IndexByte(arg, 0) >= 0 {
			return errors.New("argv holds a NUL byte")
		}
	}
	for _, entry := range r.Env {
		if !validEnv(entry) {
			return errors.New("env: entries are NAME=value")
		}
	}
	if !path.IsAbs(r.Cwd) || strings.IndexByte(r.Cwd, 0) >= 0 {
		return errors.New("cwd is not absolute")
	}
	if r.Terminal != nil {
		return validateTerminal(r.Terminal)
	}
	return nil
}
