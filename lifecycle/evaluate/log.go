package evaluate

import (
	"context"
	"math"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/stat"
)

// log writes the challenger's metrics to the run that made it, under the names that MLflow gives them, one data set for
// fresh rows and one for golden. They carry the moment of the evaluation, so that writing them again changes nothing. A
// run that is gone, deleted or not ours to write is left alone.
func (s *pass) log(ctx context.Context, f Facts) error {
	if s.cfg.Runs == nil || s.version.Run == "" {
		return nil
	}
	var batch trimtab.RunBatch
	name := s.spec.Monitor
	if name == "" {
		name = string(s.model)
	}
	for _, of := range []struct {
		on   string
		rows *Rows
	}{{"golden", f.Golden}, {"fresh", f.Fresh}} {
		if of.rows == nil {
			continue
		}
		scored, _ := of.rows.scored()
		for _, m := range mlflow(f.Task, scored) {
			m.Time, m.DatasetName, m.DatasetDigest, m.Model = s.at, name+"/"+of.on, s.digest.Short(), s.version.LoggedModel
			batch.Metrics = append(batch.Metrics, m)
		}
	}
	if len(batch.Metrics) == 0 {
		return nil
	}
	err := s.cfg.Runs.LogBatch(ctx, s.version.Run, batch)
	switch trimtab.KindOf(err) {
	case trimtab.NotFound, trimtab.Precondition, trimtab.Conflict, trimtab.Invalid, trimtab.Denied:
		if err != nil {
			s.cfg.Log.WarnContext(ctx, "the metrics of an evaluation are not logged", "project", s.ws, "run", s.version.Run, "error", err)
		}
		return nil
	}
	return err
}

// mlflow computes the metrics that mlflow.evaluate logs of such a model, those that exist.
func mlflow(task Task, r *Rows) (out []trimtab.Metric) {
	if r.Len() == 0 {
		return nil
	}
	put := func(key string, v float64) {
		if !math.IsNaN(v) {
			out = append(out, trimtab.Metric{Key: key, Value: v})
		}
	}
	put("example_count", float64(r.Len()))
	if task == Regression {
		var e stat.Errors
		e.AddAll(r.Label, r.Challenger, nil)
		put("mean_absolute_error", e.MAE())
		put("mean_squared_error", e.MSE())
		put("root_mean_squared_error", e.RMSE())
		put("max_error", e.MaxError())
		put("r2_score", e.R2())
		return out
	}
	y := r.outcomes()
	c := stat.ConfusionAt(y, r.Challenger, nil, 0.5)
	put("accuracy_score", c.Accuracy())
	put("precision_score", c.Precision())
	put("recall_score", c.Recall())
	put("f1_score", c.F1())
	put("log_loss", stat.LogLoss(y, r.Challenger, nil))
	put("roc_auc", stat.AUC(y, r.Challenger, nil))
	put("precision_recall_auc", stat.AveragePrecision(y, r.Challenger, nil))
	put("true_positives", c.TruePositives())
	put("false_positives", c.FalsePositives())
	put("true_negatives", c.TrueNegatives())
	put("false_negatives", c.FalseNegatives())
	return out
}
