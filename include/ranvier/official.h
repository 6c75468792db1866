/** @file
 * What the makers of a data set publish: `ranvier data` finds it on the disk, says whether it is whole,
 * describes and fetches it. A dataset plugin names its sets in RvNodeClass; the core knows none. All texts are
 * static. */
#ifndef RANVIER_OFFICIAL_H
#define RANVIER_OFFICIAL_H

#include <ranvier/base.h>

G_BEGIN_DECLS

/** A file under its official name. What its makers do not say stays NULL or 0. */
typedef struct
{
  const char *name; /**< as published, "Train.zip" */
  /** Other names under which the plugin reads the same, unpacked for instance; one that ends with a slash,
   * "Train/", is a folder. Ends with NULL; may be NULL. */
  const char *const *also;
  const char *url;         /**< from where a program may fetch it; NULL: see `how` of the set */
  int64_t size;            /**< bytes */
  const char *md5;         /**< hexadecimal, small letters */
  const char *sha256;      /**< the same */
  const char *content_md5; /**< of what it holds if it is packed: so it is known when packed anew, or not at all */
  RV_RESERVED (4);
} RvOfficialFile;

/** A data set. One plugin may read several that have the same form. */
typedef struct
{
  const char *name;          /**< what `ranvier data` takes, "fashion-mnist" */
  const char *title;         /**< "Fashion-MNIST" */
  const char *page;          /**< address of its makers' page; may be NULL */
  const char *how;           /**< how to come by the files that no program may fetch; may be NULL */
  const char *folder;        /**< of the data folder, in which its files are looked for first; may be NULL */
  const char *const *splits; /**< choices of the parameter `split`, ends with NULL */
  /** The transform that puts events into steps as is usual for this set, without its port: "use:
   * transform/bins, width: 3 ms, steps: 100"; NULL: none. */
  const char *steps;
  const RvOfficialFile *files; /**< ends with a NULL name */
  RV_RESERVED (4);
} RvOfficialSet;

G_END_DECLS

#endif
