/* dataset/ssc: the Spiking Speech Commands. Three files, one of them for validation. */
#include "spoken.h"

static const SpokenMake make
    = { { "ssc_train.h5", "ssc_test.h5", "ssc_valid.h5" }, { 75466, 20382, 9981 }, 35 };

static const char *const splits[] = { "train", "test", "validation", NULL };

SPOKEN_FUNCTIONS (make)

static const RvParam params[] = {
  RV_CHOICE (SpokenConfig, split, "train", splits,
             "75,466 recordings to train on, 20,382 to test with, 9,981 for validation"),
  SPOKEN_PARAMS,
  RV_PARAM_END
};

static const char *const published[] = { "train", "test", "validation", NULL };

static const RvOfficialFile files[] = {
  SPOKEN_FILE ("ssc_train.h5", "d102be95e7144fcc0553d1f45ba94170"),
  SPOKEN_FILE ("ssc_test.h5", "a35ff1e9cffdd02a20eb850c17c37748"),
  SPOKEN_FILE ("ssc_valid.h5", "b4eee3516a4a90dd0c71a6ac23a8ae43"),
  { NULL }
};

static const RvOfficialSet sets[]
    = { SPOKEN_SET ("ssc", "Spiking Speech Commands", published, files), { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "ssc").version = "1.0", .licence = "LGPL-2.1-or-later",
                      .doc = "Spiking Speech Commands: 35 spoken words as events of 700 units",
                      .citation = "Cramer et al. 2020, The Heidelberg spiking data sets for the systematic "
                                  "evaluation of spiking neural "
                                  "networks",
                      .params = params, .params_size = sizeof (SpokenConfig), .init = init,
                      RV_FUNCTIONS (class),
};
