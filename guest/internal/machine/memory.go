// memory.go owns the machine's facts from the kernel and the memory left to programs; it never changes a running program.

package machine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	mebibyte     = 1 << 20
	maxProcesses = 32768
	// What agent and init may still grow by, in bytes.
	agentGrowth = 32 * mebibyte
)

// Memory is in bytes.
type Memory struct {
	Total     uint64
	Available uint64
}

func ReadMemory() (Memory, error) {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return Memory{}, err
	}
	defer file.Close()
	var m Memory
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kibibytes, _ := strconv.ParseUint(fields[1], 10, 64)
		switch fields[0] {
		case "MemTotal:":
			m.Total = kibibytes << 10
		case "MemAvailable:":
			m.Available = kibibytes << 10
		}
	}
	if m.Total == 0 {
		return m, fmt.Errorf("no MemTotal in /proc/meminfo")
	}
	return m, nil
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}

// ProgramMemory is what all programs together may use, so that the agent survives them: the smaller of
// all memory less 5 % (at least 32 MiB), and what is free at boot less what the agent may grow by.
func ProgramMemory(m Memory) uint64 {
	reserve := max(m.Total/20, 32*mebibyte)
	limit := min(m.Total-min(reserve, m.Total), m.Available-min(agentGrowth, m.Available))
	return max(limit, 16*mebibyte)
}

// PrepareGroups makes the control group under which each program gets its own, and returns its folder.
func PrepareGroups(root string) (string, error) {
	memory, err := ReadMemory()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "pyro")
	if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+memory +pids"), 0); err != nil {
		return "", err
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !os.IsExist(err) {
		return "", err
	}
	for name, value := range map[string]string{
		"memory.max":             strconv.FormatUint(ProgramMemory(memory), 10),
		"pids.max":               strconv.Itoa(maxProcesses),
		"cgroup.subtree_control": "+memory",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(value), 0); err != nil {
			return "", err
		}
	}
	return folder, nil
}
