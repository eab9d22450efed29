// Owns the proof that the measured rate is a rate: plausible, and the same twice.
package probe

import "testing"

func TestTSCRateIsPlausibleAndRepeatable(t *testing.T) {
	first, err := TSCKilohertz()
	if err != nil {
		t.Fatal(err)
	}
	if first < 500_000 || first > 8_000_000 {
		t.Fatalf("%d kHz is no processor's rate", first)
	}
	second, err := TSCKilohertz()
	if err != nil {
		t.Fatal(err)
	}
	difference := max(first, second) - min(first, second)
	if difference*1_000_000/first > 2_000 {
		t.Fatalf("%d and %d kHz differ by more than 2000 ppm", first, second)
	}
}
