/* dataset/shd: the Spiking Heidelberg Digits. Two files, and no validation split: speakers can be held out.
 * */
#include "spoken.h"

static const SpokenMake make = { { "shd_train.h5", "shd_test.h5", NULL }, { 8156, 2264, 8156 }, 20 };

static const char *const splits[] = { "train", "test", "validation", NULL };

SPOKEN_FUNCTIONS (make)

static const RvParam params[] = {
  RV_CHOICE (SpokenConfig, split, "train", splits,
             "8,156 recordings to train on, 2,264 to test with, or what is held out of the first"),
  RV_INTS (SpokenConfig, validation_speakers, "[]", 0, 1e9, "",
           "Speakers who are held out of the training file for `split: validation`; give it in both splits"),
  SPOKEN_PARAMS,
  RV_PARAM_END
};

static const char *const published[] = { "train", "test", NULL };

static const RvOfficialFile files[] = {
  SPOKEN_FILE ("shd_train.h5", "f3252aeb598ac776c1b526422d90eecb"),
  SPOKEN_FILE ("shd_test.h5", "1503a5064faa34311c398fb0a1ed0a6f"),
  { NULL }
};

static const RvOfficialSet sets[]
    = { SPOKEN_SET ("shd", "Spiking Heidelberg Digits", published, files), { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "shd")
    .version = "1.0",
   .licence = "LGPL-2.1-or-later",
   .doc = "Spiking Heidelberg Digits: spoken digits, English and German, as events of 700 units",
   .citation = "Cramer et al. 2020, The Heidelberg spiking data sets for the systematic evaluation of "
               "spiking neural "
               "networks",
   .params = params, .params_size = sizeof (SpokenConfig), .init = init, RV_FUNCTIONS (class),
};
