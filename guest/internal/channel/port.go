// port.go owns finding and opening the virtio-serial port; it never interprets what passes through.

package channel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// OpenPort opens the port of that name. The name reaches the kernel some time after its driver has loaded,
// with nothing to wait on: the only retry loop of the agent, at boot, up to patience.
func OpenPort(name string, patience time.Duration) (*os.File, error) {
	deadline := time.Now().Add(patience)
	for {
		device, seen := findPort("/sys/class/virtio-ports", name)
		if device != "" {
			// Character devices opened like this go through the runtime's poller.
			return os.OpenFile(filepath.Join("/dev", device), os.O_RDWR, 0)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("no virtio port is named %q; there are: %s", name, strings.Join(seen, " "))
		}
		time.Sleep(time.Millisecond)
	}
}

func findPort(class, name string) (device string, seen []string) {
	entries, err := os.ReadDir(class)
	if err != nil {
		return "", nil
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(class, entry.Name(), "name"))
		if err != nil {
			continue
		}
		if label := strings.TrimSpace(string(text)); label == name {
			return entry.Name(), seen
		} else {
			seen = append(seen, label)
		}
	}
	return "", seen
}
