package stat

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden is testdata/metrics.json, written by internal/testkit/golden/stat/generate.py with scikit-learn 1.9.1 and
// scipy 1.17.1.
type golden struct {
	Binary []struct {
		Name      string
		Y         []bool
		P, W      []float64
		Threshold float64
		Want      map[string]*float64
	}
	Regression []struct {
		Name    string
		Y, P, W []float64
		Want    map[string]float64
	}
	Wilson [][5]float64
	Z      [][2]float64
}

func load(t *testing.T) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Binary) != 17 || len(g.Regression) != 8 {
		t.Fatalf("%d and %d cases", len(g.Binary), len(g.Regression))
	}
	return g
}

// near compares with the tolerance of 1e-12, relative above 1.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))
}

func TestBinaryGoldens(t *testing.T) {
	for _, c := range load(t).Binary {
		auc, variance := DeLong(c.Y, c.P)
		_, ci := AUCInterval(c.Y, c.P, AUCOptions{})
		var l Losses
		l.AddAll(c.Y, c.P, c.W)
		m := ConfusionAt(c.Y, c.P, c.W, c.Threshold)
		got := map[string]float64{
			"auc": AUC(c.Y, c.P, c.W), "average_precision": AveragePrecision(c.Y, c.P, c.W),
			"log_loss": l.LogLoss(), "brier": l.Brier(), "log_loss_se": l.LogLossSE(),
			"accuracy": m.Accuracy(), "precision": m.Precision(), "recall": m.Recall(), "f1": m.F1(),
			"delong_auc": auc, "delong_variance": variance, "delong_lo": ci.Lo, "delong_hi": ci.Hi,
		}
		for k, want := range c.Want {
			g, known := got[k]
			switch {
			case !known:
				t.Errorf("%s: nothing computes %s", c.Name, k)
			case want == nil:
				if g == g {
					t.Errorf("%s: %s is %v, want NaN", c.Name, k, g)
				}
			case g != g && *want == 0 && (k == "precision" || k == "f1"):
				// Nothing predicted: not defined here, 0 in scikit-learn.
			case !near(g, *want):
				t.Errorf("%s: %s is %.17g, want %.17g", c.Name, k, g, *want)
			}
		}
	}
}

func TestRegressionGoldens(t *testing.T) {
	for _, c := range load(t).Regression {
		var e Errors
		e.AddAll(c.Y, c.P, c.W)
		got := map[string]float64{"mse": e.MSE(), "rmse": e.RMSE(), "mae": e.MAE(), "r2": e.R2(), "max_error": e.MaxError(), "mae_se": e.MAESE(), "mse_se": e.MSESE()}
		for k, want := range c.Want {
			if g, known := got[k]; !known || !near(g, want) {
				t.Errorf("%s: %s is %.17g, want %.17g", c.Name, k, g, want)
			}
		}
	}
}

func TestIntervalGoldens(t *testing.T) {
	g := load(t)
	for _, c := range g.Wilson {
		if ci := Wilson(c[0], c[1], c[2]); !near(ci.Lo, c[3]) || !near(ci.Hi, c[4]) {
			t.Errorf("%v of %v at %v: %v", c[0], c[1], c[2], ci)
		}
	}
	for _, c := range g.Z {
		if z := Z(c[0]); !near(z, c[1]) {
			t.Errorf("Z(%v) = %.17g, want %.17g", c[0], z, c[1])
		}
	}
	if Z(0) != Z(0.95) || Z(1) == Z(1) || Z(-1) == Z(-1) {
		t.Error("the default level, or a level that is none")
	}
}
