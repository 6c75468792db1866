/* The content of the files of dataset/published, which its table describes and a server of the tests has. */
#ifndef PUBLISHED_H
#define PUBLISHED_H

#define PUBLISHED_SIZE 100000
#define PUBLISHED_BYTE(i) ((unsigned char)((i) * 7 + (i) / 256))
#define PUBLISHED_MD5 "2dc29e5babf440db9204914bcbe05fbf"
#define PUBLISHED_SHA256 "55af394c980c7a7fb68aa904c4afdd93d76e5f826487105fc06f92a25bab8cbe"

#endif
