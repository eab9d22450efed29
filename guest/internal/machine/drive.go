// drive.go owns finding the machine's drives by serial; it never mounts them.

package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	baseSerial = "pyro-base"
	seedSerial = "pyro-seed"
	diskSerial = "pyro-disk"
)

// found keeps the device files: they stay the same for the life of a machine, also when it is saved and restored.
var found sync.Map

// findDrive returns the device file of the drive with that serial.
func findDrive(serial string) (string, error) {
	if device, ok := found.Load(serial); ok {
		return device.(string), nil
	}
	files, err := filepath.Glob("/sys/block/vd*/serial")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && parseSerial(text) == serial {
			device := filepath.Join("/dev", filepath.Base(filepath.Dir(file)))
			found.Store(serial, device)
			return device, nil
		}
	}
	return "", fmt.Errorf("no drive has the serial %q", serial)
}

// parseSerial: the kernel gives 20 bytes at most, padded or not.
func parseSerial(text []byte) string { return strings.Trim(string(text), " \t\n\x00") }

// forget drops what the kernel has cached of a drive, whose contents the host may have swapped.
func forget(device string) error {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0); err != nil {
		return fmt.Errorf("flush %s: %w", device, err)
	}
	return nil
}

// released fails while anything in the machine still has the drive mounted.
func released(device string) error {
	fd, err := unix.Open(device, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s is still in use: %w", device, err)
	}
	return unix.Close(fd)
}
