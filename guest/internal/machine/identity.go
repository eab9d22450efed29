// identity.go owns who the machine is: clock, entropy, host name, machine id; it never mounts.

package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

const (
	minEntropy = 64
	maxEntropy = 1024
)

// Zero until Identify.
type identity struct {
	hostname  string
	machineID string
}

func validateIdentify(r *guestv1.IdentifyRequest) error {
	if err := validateClock(r.WallClockUnixNanos); err != nil {
		return err
	}
	if len(r.Entropy) < minEntropy || len(r.Entropy) > maxEntropy {
		return fmt.Errorf("entropy: %d to %d bytes", minEntropy, maxEntropy)
	}
	if len(r.Hostname) < 1 || len(r.Hostname) > 64 || !only(r.Hostname, "abcdefghijklmnopqrstuvwxyz0123456789-") {
		return errors.New("hostname: 1 to 64 characters of [a-z0-9-]")
	}
	if len(r.MachineId) != 32 || !only(r.MachineId, "0123456789abcdef") {
		return errors.New("machine_id: 32 lowercase hex digits")
	}
	return nil
}

func only(text, allowed string) bool {
	for _, c := range []byte(text) {
		found := false
		for _, a := range []byte(allowed) {
			found = found || a == c
		}
		if !found {
			return false
		}
	}
	return true
}

func validateClock(nanos int64) error {
	if nanos <= 0 {
		return errors.New("wall_clock_unix_nanos: after 1970")
	}
	return nil
}

func setClock(nanos int64) error {
	now := unix.NsecToTimespec(nanos)
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		return fmt.Errorf("set the clock to %s: %w", time.Unix(0, nanos).UTC(), err)
	}
	return nil
}

// identify tells the kernel.
func identify(r *guestv1.IdentifyRequest) error {
	if err := setClock(r.WallClockUnixNanos); err != nil {
		return err
	}
	if err := addEntropy(r.Entropy); err != nil {
		return fmt.Errorf("add entropy: %w", err)
	}
	if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	return nil
}

// addEntropy credits the bytes and makes the kernel use them at once: machines restored from one memory image
// must not share a random stream.
func addEntropy(entropy []byte) error {
	fd, err := unix.Open("/dev/urandom", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// struct rand_pool_info: bits, bytes, the bytes.
	pool := make([]byte, 8, 8+len(entropy))
	binary.NativeEndian.PutUint32(pool[0:], uint32(len(entropy)*8))
	binary.NativeEndian.PutUint32(pool[4:], uint32(len(entropy)))
	pool = append(pool, entropy...)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&pool[0]))); errno != 0 {
		return errno
	}
	const rndReseedCrng = 0x5207
	return unix.IoctlSetInt(fd, rndReseedCrng, 0)
}

// writeNames puts the names into the root. Runs on the machine's thread.
func (i identity) writeNames(root int) error {
	if i.hostname == "" {
		return nil
	}
	hosts := "127.0.0.1 localhost\n127.0.1.1 " + i.hostname + "\n::1 localhost ip6-localhost ip6-loopback\n"
	return errors.Join(
		writeFile(root, "/etc/hostname", []byte(i.hostname+"\n"), 0o644),
		writeFile(root, "/etc/hosts", []byte(hosts), 0o644),
		writeFile(root, "/etc/machine-id", []byte(i.machineID+"\n"), 0o444),
	)
}
