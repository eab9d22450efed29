// Owns saying why /dev/kvm cannot be opened, and what changes that. Never opens it.
package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// kvmHost is what the explanation depends on.
type kvmHost struct {
	// hasCPUFlag: the processor, as this system sees it, has vmx or svm.
	hasCPUFlag bool
	// vendorModule is kvm_intel or kvm_amd.
	vendorModule string
	userName     string
	// deviceGroup may read and write the device; empty when no group may.
	deviceGroup string
}

var (
	cpuFlag   = regexp.MustCompile(`(?m)^flags\s*:.*\b(vmx|svm)\b`)
	amdVendor = regexp.MustCompile(`(?m)^vendor_id\s*:\s*(AuthenticAMD|HygonGenuine)`)
)

func hostFacts() kvmHost {
	host := kvmHost{vendorModule: "kvm_intel", userName: strconv.Itoa(os.Geteuid())}
	// Without it both answers stay what they are on most machines.
	text, _ := os.ReadFile("/proc/cpuinfo")
	host.hasCPUFlag = cpuFlag.Match(text)
	if amdVendor.Match(text) {
		host.vendorModule = "kvm_amd"
	}
	if current, err := user.Current(); err == nil {
		host.userName = current.Username
	}
	var stat unix.Stat_t
	if err := unix.Stat(kvmDevice, &stat); err == nil && stat.Mode&0o060 == 0o060 && stat.Gid != 0 {
		host.deviceGroup = strconv.Itoa(int(stat.Gid))
		if group, err := user.LookupGroupId(host.deviceGroup); err == nil {
			host.deviceGroup = group.Name
		}
	}
	return host
}

func explainOpen(err error, host kvmHost) KVMVerdict {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return explainPermission(host)
	case errors.Is(err, fs.ErrNotExist) && host.hasCPUFlag:
		return KVMVerdict{
			Cause:  KVMNoDevice,
			Reason: "the processor can do it, but there is no /dev/kvm: the kernel module is not loaded, or this is a container without the device",
			Fix:    fmt.Sprintf("sudo modprobe %s; for a container, pass the device: --device /dev/kvm", host.vendorModule),
		}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return KVMVerdict{
			Cause:  KVMNoVirtualization,
			Reason: "the processor offers this system no virtualization: it is switched off in the firmware, or this is a virtual machine without nesting",
			Fix:    "Switch on VT-x or AMD-V in the firmware; for a virtual machine, nested virtualization at its host.",
		}
	default:
		return KVMVerdict{Cause: KVMFailed, Reason: fmt.Sprintf("/dev/kvm does not open: %v", err)}
	}
}

func explainPermission(host kvmHost) KVMVerdict {
	verdict := KVMVerdict{
		Cause:  KVMNoPermission,
		Reason: fmt.Sprintf("the user %s may not open /dev/kvm, which is for the group %s", host.userName, host.deviceGroup),
		Fix:    fmt.Sprintf("sudo usermod -aG %s %s, then log in again", host.deviceGroup, host.userName),
	}
	if host.deviceGroup == "" {
		verdict.Reason = fmt.Sprintf("the user %s may not open /dev/kvm, which is for root alone and not, as usual, for the group kvm", host.userName)
		verdict.Fix = fmt.Sprintf(
			"sudo groupadd -rf kvm && sudo chgrp kvm /dev/kvm && sudo chmod g+rw /dev/kvm && sudo usermod -aG kvm %s, then log in again",
			host.userName)
	}
	if !host.hasCPUFlag {
		verdict.Reason += "; the processor shows no virtualization either, so the permission alone would not help"
		verdict.Fix = ""
	}
	return verdict
}
