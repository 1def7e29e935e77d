"""Names of parameters, values and attributes in scikit-learn, Keras and PyTorch that differ from those of lifsim, and hints for them."""

from __future__ import annotations

from collections.abc import Iterable

from lifsim.common.errors import did_you_mean

_PARAMETERS = {
    **dict.fromkeys(("hidden_layer_sizes", "hidden_layers", "hidden_sizes", "hidden_size", "hidden_units", "n_hidden"), "hidden"),
    **dict.fromkeys(("layers", "layer_sizes", "units", "sizes", "hidden_dim"), "hidden"),
    **dict.fromkeys(("learning_rate_init", "lr", "eta", "step_size"), "learning_rate"),
    **dict.fromkeys(("max_iter", "n_epochs", "num_epochs", "nb_epoch", "max_epochs", "n_iter", "iterations"), "epochs"),
    **dict.fromkeys(("random_state", "random_seed", "manual_seed", "rng"), "seed"),
    **dict.fromkeys(("optimizer", "optimiser", "optim", "algorithm"), "solver"),
    **dict.fromkeys(("batch", "batchsize", "mini_batch_size", "minibatch_size"), "batch_size"),
    "n_iter_no_change": "patience",
    **dict.fromkeys(("verbose", "progress_bar"), "progress"),
    **dict.fromkeys(("criterion", "loss_function", "loss_fn", "loss_func"), "loss"),
    **dict.fromkeys(("kernel_initializer", "initializer", "weight_init", "initialization"), "init"),
    **dict.fromkeys(("lr_scheduler", "scheduler", "lr_schedule", "learning_rate_schedule", "power_t"), "schedule"),
    **dict.fromkeys(("l2", "reg", "regularization", "regularizer", "kernel_regularizer", "l2_reg"), "weight_decay"),
    **dict.fromkeys(("validation_split", "val_split", "validation_size"), "validation_fraction"),
    **dict.fromkeys(("validation_data", "val_data", "eval_set"), "validation"),
    **dict.fromkeys(("normalize", "normalise", "scaler", "standardize", "normalization"), "scale"),
    **dict.fromkeys(("activation_function", "nonlinearity", "act", "hidden_activation"), "activation"),
    **dict.fromkeys(("tolerance", "min_delta"), "tol"),
    **dict.fromkeys(("beta1", "b1"), "beta_1"),
    **dict.fromkeys(("beta2", "b2"), "beta_2"),
    "eps": "epsilon",
    "precision": "dtype",
    **dict.fromkeys(("T", "timesteps", "num_steps", "time_window", "t_sim"), "duration"),
    **dict.fromkeys(("tau", "tau_mem"), "tau_m"),
    "tau_s": "tau_syn",
    "slope": "beta",
}
_EXPLAINED = {
    "alpha": "write weight_decay, which is alpha / batch_size (2 alpha / batch_size of a Regressor)",
    "betas": "write beta_1 and beta_2",
    "shuffle": "the samples are shuffled in each epoch",
    "warm_start": "fit begins with new weights each time; partial_fit goes on with the present ones",
    "nesterovs_momentum": 'write solver="momentum" (without Nesterov\'s look-ahead) and momentum',
    "max_fun": "lifsim has no L-BFGS; write solver and epochs",
    **dict.fromkeys(("dropout", "dropout_rate"), "lifsim has no dropout; write weight_decay or early_stopping"),
    **dict.fromkeys(("input_dim", "input_shape", "in_features", "n_features"), "the number of inputs is that of the data given to fit"),
    **dict.fromkeys(("out_features", "n_classes", "num_classes", "output_dim"), "the number of outputs is that of the data given to fit"),
    "metrics": "score gives the accuracy, or R² of a Regressor; history has it for each epoch",
    "callbacks": "give them to fit: m.fit(X, y, callbacks=[f]), or write early_stopping, schedule or progress",
    "device": "lifsim runs on the CPU",
    "output_activation": "write loss, which decides the output activation",
}
_VALUES = {
    "activation": {
        **dict.fromkeys(("logistic", "Logistic"), "sigmoid"),
        "linear": "identity",
        **dict.fromkeys(("leaky_relu", "elu", "selu", "gelu", "swish", "silu", "softplus"), "relu, which is the nearest"),
        "softmax": "relu for hidden layers (a Classifier has a softmax output)",
        **dict.fromkeys(("soft_lif", "softlif", "spiking"), "lif"),
    },
    "loss": {
        **dict.fromkeys(
            ("categorical_crossentropy", "sparse_categorical_crossentropy", "crossentropy", "log_loss", "nll"), "cross_entropy"
        ),
        **dict.fromkeys(("ce", "CrossEntropyLoss", "softmax"), "cross_entropy"),
        **dict.fromkeys(("binary_crossentropy", "bce", "BCELoss"), "binary_cross_entropy"),
        **dict.fromkeys(("mean_squared_error", "squared_error", "l2", "MSELoss"), "mse"),
    },
    "solver": {
        "lbfgs": "adam, sgd or momentum (lifsim trains in mini-batches)",
        **dict.fromkeys(("rmsprop", "RMSprop", "nadam", "adagrad"), "adam, which is the nearest"),
        "adamw": "adam with weight_decay (a penalty in the loss)",
        "nesterov": "momentum",
    },
    "init": {
        **dict.fromkeys(("glorot", "glorot_uniform", "glorot_normal", "xavier_uniform", "xavier_normal"), "xavier"),
        **dict.fromkeys(("kaiming", "kaiming_uniform", "kaiming_normal", "he_normal", "he_uniform"), "he"),
    },
    "scale": {
        **dict.fromkeys(("zscore", "z_score", "StandardScaler", "standardize"), "standard"),
        **dict.fromkeys(("minmax", "MinMaxScaler", "maxabs", "MaxAbsScaler"), "max"),
    },
    "dtype": {"float": "float64", "double": "float64", "single": "float32", "f4": "float32", "f8": "float64"},
    "encoding": {
        **dict.fromkeys(("ttfs", "time_to_first_spike", "temporal"), "latency"),
        **dict.fromkeys(("rate", "direct", "constant", "poisson"), "current"),
    },
    "schedule": {
        "invscaling": "exponential, or a function of the completed fraction of the training",
        "adaptive": "step, or a function of the completed fraction of the training",
        **dict.fromkeys(("cosine_annealing", "CosineAnnealingLR"), "cosine"),
        "StepLR": "step",
        "ExponentialLR": "exponential",
    },
}
ATTRIBUTES = {
    **dict.fromkeys(("coefs_", "coef_"), "weights, each of shape (out, in): scikit-learn's are the transposed"),
    **dict.fromkeys(("intercepts_", "intercept_"), "biases"),
    "loss_curve_": 'history["loss"]',
    "loss_": 'history["loss"][-1]',
    "best_loss_": 'min(history["validation_loss"])',
    "validation_scores_": 'history["validation_score"]',
    "n_iter_": 'len(history["loss"])',
    "n_layers_": "len(layers_.sizes)",
    "evaluate": "score(X, y)",
    **dict.fromkeys(("compile", "build"), "the constructor with loss, solver and learning_rate, then fit(X, y)"),
    **dict.fromkeys(("train", "train_on_batch", "fit_generator"), "fit(X, y)"),
    "predict_log_proba": "numpy.log(m.predict_proba(X))",
    **dict.fromkeys(("forward", "predict_classes"), "predict(X), or decision_function(X) for the sums of the output layer"),
    **dict.fromkeys(("state_dict", "get_weights", "parameters"), "weights and biases"),
    **dict.fromkeys(("summary",), "layers_.sizes and repr(m)"),
    "to_spiking": "lifsim.ann.to_spiking(m)",
    "load": "lifsim.ann.load(path)",
}
MODULE = {
    "MLPClassifier": "lifsim.ann.Classifier",
    "MLPRegressor": "lifsim.ann.Regressor",
    **dict.fromkeys(("Sequential", "Dense", "Linear", "Model", "Module", "nn"), "lifsim.ann.Classifier(hidden=(64,)) or Regressor"),
    **dict.fromkeys(("convert", "ann2snn", "Converter"), "lifsim.ann.to_spiking(m)"),
    "load_model": "lifsim.ann.load(path)",
}
SCHEDULED = ("constant", "invscaling", "adaptive", "linear", "cosine", "exponential", "step")


def parameter_hint(word: str, known: Iterable[str]) -> str:
    """A hint for `word`, which is not a parameter: the parameter of the same meaning, or the most similar of the `known` ones."""
    names = list(known)
    if word in _EXPLAINED:
        return _EXPLAINED[word]
    name = _PARAMETERS.get(word, "")
    return f"write {name}" if name in names else did_you_mean(word, names)


def fit_hint(word: str, known: Iterable[str]) -> str:
    """A hint for `word`, which ``fit`` does not take as an argument.

    It names the argument of ``fit`` or of the constructor with the same meaning, or the most similar of the `known` arguments of ``fit``.
    """
    name = _PARAMETERS.get(word, word)
    if name in known:
        return f"write {name}"
    return f"{name} is an argument of the constructor" if name != word or word in _PARAMETERS.values() else did_you_mean(word, known)


def value_hint(parameter: str, word: object, allowed: Iterable[str]) -> str:
    """A hint for `word`, which is not a value of `parameter`: the value of the same meaning, or the most similar of the `allowed` ones."""
    meant = _VALUES.get(parameter, {}).get(str(word))
    return f"write {meant}" if meant else did_you_mean(str(word), allowed)
