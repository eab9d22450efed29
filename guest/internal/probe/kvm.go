// Owns the measurement of KVM: whether a loop inside a tiny virtual machine runs at the processor's speed. Never boots a kernel.
package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	kvmDevice = "/dev/kvm"
	// Real KVM needs some 30 microseconds; paravirtual hosts that emulate the guest's kernel mode need 14,000.
	kvmLoopLimit = 3 * time.Millisecond
	// No answer by then is an answer. The caller waits longer.
	kvmDeadline = 2 * time.Second
	// The fastest round counts: whatever else the host does can only make one slower.
	kvmRounds = 5
	// After this long no further round is begun.
	kvmEnough = time.Second
)

// KVMCause is why KVM is of no use, for programs.
type KVMCause string

const (
	KVMFast             KVMCause = "none"
	KVMNoDevice         KVMCause = "no_device"
	KVMNoVirtualization KVMCause = "no_virtualization"
	KVMNoPermission     KVMCause = "no_permission"
	KVMBusy             KVMCause = "busy"
	KVMFailed           KVMCause = "failed"
	KVMTooSlow          KVMCause = "too_slow"
	KVMHung             KVMCause = "hung"
)

// KVMVerdict is the one JSON line of `probe kvm`.
type KVMVerdict struct {
	Usable bool     `json:"usable"`
	Cause  KVMCause `json:"cause"`
	// Reason says it to a person; empty when usable.
	Reason string `json:"reason"`
	// Fix is what that person can do; empty when there is nothing.
	Fix string `json:"fix"`
	// Open says whether /dev/kvm could be opened.
	Open bool `json:"open"`
	// CreateVMMillis and LoopMicros are 0 when it did not come to that. LoopMicros is the fastest round's.
	CreateVMMillis float64 `json:"create_vm_ms"`
	LoopMicros     float64 `json:"loop_us"`
}

// KVM measures; it answers within its deadline, also when the kernel does not. The process must end soon after:
// a call that hangs cannot be taken back.
func KVM() KVMVerdict {
	return withinDeadline(measureKVM, kvmDeadline)
}

// withinDeadline runs measure on a thread of its own. It hands over how far it is, for the verdict on one that hangs.
func withinDeadline(measure func(note func(KVMVerdict)) KVMVerdict, deadline time.Duration) KVMVerdict {
	notes := make(chan KVMVerdict, 2*kvmRounds+8)
	done := make(chan KVMVerdict, 1)
	go func() {
		// Never unlocked: a virtual processor belongs to its thread, and this thread may never return.
		runtime.LockOSThread()
		done <- measure(func(soFar KVMVerdict) {
			select {
			case notes <- soFar:
			default:
			}
		})
	}()
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	var soFar KVMVerdict
	for {
		select {
		case verdict := <-done:
			return verdict
		case soFar = <-notes:
		case <-timer.C:
			return judgeHung(soFar, deadline)
		}
	}
}

func measureKVM(note func(KVMVerdict)) KVMVerdict {
	var verdict KVMVerdict
	device, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	if err != nil {
		return explainOpen(err, hostFacts())
	}
	defer device.Close()
	verdict.Open = true
	note(verdict)
	began := time.Now()
	machine, err := createLoopMachine(int(device.Fd()))
	verdict.CreateVMMillis = milliseconds(time.Since(began))
	if err != nil {
		return explainFailure(verdict, err)
	}
	defer machine.close()
	note(verdict)
	for round, started := 0, time.Now(); round < kvmRounds && time.Since(started) < kvmEnough; round++ {
		took, err := machine.runLoop()
		if err != nil {
			return explainFailure(verdict, err)
		}
		if micros := microseconds(took); verdict.LoopMicros == 0 || micros < verdict.LoopMicros {
			verdict.LoopMicros = micros
		}
		note(verdict)
	}
	return judgeSpeed(verdict)
}

func judgeSpeed(verdict KVMVerdict) KVMVerdict {
	limit := microseconds(kvmLoopLimit)
	if verdict.LoopMicros > 0 && verdict.LoopMicros < limit {
		verdict.Usable, verdict.Cause = true, KVMFast
		return verdict
	}
	verdict.Cause = KVMTooSlow
	verdict.Reason = fmt.Sprintf(
		"/dev/kvm opens, but a loop that takes a processor well under 0.5 ms took %.1f ms in it (limit %.0f ms): "+
			"this host only imitates KVM, and no guest system would ever finish booting",
		verdict.LoopMicros/1000, limit/1000)
	return verdict
}

func judgeHung(soFar KVMVerdict, deadline time.Duration) KVMVerdict {
	if soFar.LoopMicros > 0 {
		if verdict := judgeSpeed(soFar); !verdict.Usable {
			return verdict
		}
	}
	soFar.Cause = KVMHung
	soFar.Reason = fmt.Sprintf("/dev/kvm opens, but a machine of six instructions was not done within %.0f s", deadline.Seconds())
	if !soFar.Open {
		soFar.Reason = fmt.Sprintf("/dev/kvm did not open within %.0f s", deadline.Seconds())
	}
	return soFar
}

func explainFailure(verdict KVMVerdict, err error) KVMVerdict {
	verdict.Cause = KVMFailed
	verdict.Reason = fmt.Sprintf("/dev/kvm opens, but no machine runs in it: %v", err)
	if errors.Is(err, unix.EBUSY) {
		verdict.Cause = KVMBusy
		verdict.Reason = "another hypervisor, such as VirtualBox, holds this processor's virtualization"
		verdict.Fix = "Stop the machines of the other hypervisor."
	}
	return verdict
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

func microseconds(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000
}
