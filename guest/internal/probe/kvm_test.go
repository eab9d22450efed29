// Owns the proof that the verdict on KVM is consistent on any host, comes in time, and says what to do about each obstacle.
package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestVerdictOnThisHostIsConsistent(t *testing.T) {
	began := time.Now()
	verdict := KVM()
	if took := time.Since(began); took > kvmDeadline+time.Second {
		t.Errorf("took %s", took)
	}
	text, err := json.Marshal(verdict)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	limit := microseconds(kvmLoopLimit)
	if verdict.Usable != (verdict.Cause == KVMFast) || verdict.Usable != (verdict.Reason == "") {
		t.Error("usable, cause and reason disagree")
	}
	if verdict.Usable && (!verdict.Open || verdict.LoopMicros <= 0 || verdict.LoopMicros >= limit) {
		t.Errorf("usable, but its loop took %v µs", verdict.LoopMicros)
	}
	if verdict.Cause == KVMTooSlow && verdict.LoopMicros < limit {
		t.Errorf("too slow, but its loop took %v µs", verdict.LoopMicros)
	}
	if !verdict.Open && (verdict.CreateVMMillis != 0 || verdict.LoopMicros != 0) {
		t.Error("measured without the device")
	}
}

func TestSpeedDecides(t *testing.T) {
	for micros, usable := range map[float64]bool{0: false, 4: true, 480: true, 2_999: true, 3_000: false, 14_000: false} {
		verdict := judgeSpeed(KVMVerdict{Open: true, LoopMicros: micros})
		if verdict.Usable != usable || verdict.Usable != (verdict.Cause == KVMFast) {
			t.Errorf("%v µs: %+v", micros, verdict)
		}
	}
}

func TestKernelThatDoesNotAnswerIsGivenUp(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	hang := func(notes ...KVMVerdict) func(func(KVMVerdict)) KVMVerdict {
		return func(note func(KVMVerdict)) KVMVerdict {
			for _, soFar := range notes {
				note(soFar)
			}
			<-forever
			return KVMVerdict{}
		}
	}
	for name, test := range map[string]struct {
		measure func(func(KVMVerdict)) KVMVerdict
		cause   KVMCause
		text    string
	}{
		"opening": {hang(), KVMHung, "did not open within"},
		"running": {hang(KVMVerdict{Open: true}), KVMHung, "was not done within"},
		// One slow round has told enough; fast ones before it do not count.
		"second round":       {hang(KVMVerdict{Open: true, LoopMicros: 400_000}), KVMTooSlow, "400.0 ms"},
		"after a fast round": {hang(KVMVerdict{Open: true, LoopMicros: 5}), KVMHung, "was not done within"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := withinDeadline(test.measure, 50*time.Millisecond)
			if verdict.Usable || verdict.Cause != test.cause || !strings.Contains(verdict.Reason, test.text) {
				t.Errorf("%+v", verdict)
			}
		})
	}
}

func TestObstaclesComeWithTheirFix(t *testing.T) {
	intel := kvmHost{hasCPUFlag: true, vendorModule: "kvm_intel", userName: "ada", deviceGroup: "kvm"}
	private, bare := intel, intel
	private.deviceGroup = ""
	bare.hasCPUFlag = false
	for name, test := range map[string]struct {
		err   error
		host  kvmHost
		cause KVMCause
		fix   string
	}{
		"group":            {unix.EACCES, intel, KVMNoPermission, "sudo usermod -aG kvm ada"},
		"root's alone":     {unix.EPERM, private, KVMNoPermission, "sudo chgrp kvm /dev/kvm"},
		"module":           {fs.ErrNotExist, intel, KVMNoDevice, "sudo modprobe kvm_intel"},
		"no processor":     {fs.ErrNotExist, bare, KVMNoVirtualization, "firmware"},
		"refusing module":  {unix.ENODEV, intel, KVMNoVirtualization, "firmware"},
		"both":             {unix.EACCES, bare, KVMNoPermission, ""},
		"something else":   {unix.EIO, intel, KVMFailed, ""},
		"something bigger": {fmt.Errorf("open: %w", unix.EACCES), intel, KVMNoPermission, "usermod"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := explainOpen(test.err, test.host)
			if verdict.Usable || verdict.Cause != test.cause || verdict.Reason == "" || !strings.Contains(verdict.Fix, test.fix) {
				t.Errorf("%+v", verdict)
			}
		})
	}
}

func TestFailuresKeepWhatWasMeasured(t *testing.T) {
	soFar := KVMVerdict{Open: true, CreateVMMillis: 1.5}
	busy := explainFailure(soFar, fmt.Errorf("KVM_CREATE_VM: %w", unix.EBUSY))
	if busy.Cause != KVMBusy || busy.Fix == "" || busy.CreateVMMillis != 1.5 {
		t.Errorf("%+v", busy)
	}
	failed := explainFailure(soFar, errors.New("KVM_RUN: bad"))
	if failed.Cause != KVMFailed || failed.Usable || !strings.Contains(failed.Reason, "KVM_RUN: bad") {
		t.Errorf("%+v", failed)
	}
}
