// modules.go owns loading kernel modules in the order the initramfs lists; it never resolves dependencies.

package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// parseOrder reads the list: one file name a line, no folders. Empty lines and lines that begin with # are skipped.
func parseOrder(text string) ([]string, error) {
	var names []string
	for _, line := range strings.Split(text, "\n") {
		name := strings.TrimSpace(line)
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if !strings.HasSuffix(name, ".ko") || strings.ContainsAny(name, "/\x00") {
			return nil, fmt.Errorf("module order: %q is not the name of a .ko file", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// loadModules loads what folder/order lists and deletes it: the initramfs is memory.
func loadModules(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "order"))
	if err != nil {
		return err
	}
	names, err := parseOrder(string(text))
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(folder, name)
		if err := loadModule(path); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_ = os.Remove(path)
	}
	return nil
}

func loadModule(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.FinitModule(fd, "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}
