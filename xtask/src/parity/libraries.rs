//! The virtual environments that `parity` makes, with every version pinned.

/// A virtual environment: what `pip` is asked for.
pub(super) struct Library {
    pub name: &'static str,
    pub packages: &'static [&'static str],
}

/// All of them.
pub(super) const LIBRARIES: &[Library] = &[
    Library {
        name: "arrays",
        packages: &["zarr==3.1.6", "numcodecs==0.16.6", "pyarrow==26.0.1", "pillow==13.0.0"],
    },
    Library { name: "pyav", packages: &["av==18.1.0", "numpy==2.4.6", "pillow==13.0.0"] },
    // Two packages that Minari needs for pictures and does not ask for.
    Library {
        name: "minari",
        packages: &["minari[create,hdf5,arrow]==0.5.4", "pillow==13.0.0", "imageio==2.38.1"],
    },
    Library {
        name: "stable-worldmodel",
        packages: &[
            "stable-worldmodel[env,format]==0.1.1",
            // Later ones break some of its environments.
            "mujoco==3.17.0",
            "h5py==3.16.0",
            "hdf5plugin==7.1.0",
            "imageio-ffmpeg==0.8.1",
            "decord==0.6.0",
        ],
    },
    Library { name: "gymnasium", packages: &["gymnasium==1.4.0", "numpy==2.4.6"] },
    // Alone: it asks for libraries of plots that it does not need to play.
    Library { name: "minatar", packages: &["--no-deps", "minatar==1.0.15", "numpy==2.4.6"] },
    // Without what it asks for: an old Gym, and libraries of windows.
    Library {
        name: "gym-sokoban",
        packages: &[
            "--no-deps",
            "gym-sokoban==0.0.6",
            "gym==0.26.2",
            "gym-notices==0.1.0",
            "cloudpickle==3.1.3",
            "imageio==2.38.1",
            "pillow==13.0.0",
            "numpy==2.4.6",
            "tqdm==4.70.1",
            "requests==2.34.2",
            "urllib3==2.8.0",
            "idna==3.20",
            "certifi==2026.10.19.post1",
            "charset-normalizer==3.5.2",
            "setuptools==80.9.0",
        ],
    },
    Library { name: "minigrid", packages: &["minigrid==3.2.0", "gymnasium==1.4.0", "numpy==2.4.6"] },
    Library {
        name: "robotics",
        packages: &["gymnasium-robotics==1.4.2", "mujoco==4.0.0", "gymnasium==1.4.0", "numpy==2.4.6"],
    },
    Library {
        name: "gym-pusht",
        packages: &["gym-pusht==0.1.8", "pymunk==6.11.1", "gymnasium==1.4.0", "numpy==2.4.6"],
    },
    Library { name: "crafter", packages: &["crafter==1.8.3", "numpy==2.4.6", "opensimplex==0.4.5.1"] },
    Library {
        name: "worlds",
        packages: &[
            "gymnasium==1.4.0",
            "envpool==1.2.5",
            "minigrid==3.2.0",
            "crafter==1.8.3",
            "gym-pusht==0.1.8",
            "minatar==1.0.15",
        ],
    },
    Library { name: "lerobot", packages: &["lerobot==0.4.4", "torch==2.10.0", "torchcodec==0.10.0"] },
    Library {
        name: "bridge",
        packages: &[
            "gymnasium[box2d,mujoco,classic-control,toy-text]==1.4.0",
            "ale-py==0.12.1",
            "minigrid==3.2.0",
            "gym-pusht==0.1.8",
            "crafter==1.8.3",
            "highway-env==1.12.1",
            "vizdoom==1.3.2",
            "textworld==1.7.0",
            "opencv-python-headless==5.0.0.93",
        ],
    },
    // MuJoCo of 3.17 or newer, but not 4.
    Library {
        name: "bridge-control",
        packages: &[
            "gymnasium==1.4.0",
            "dm-control==1.0.50",
            "mujoco==3.17.0",
            "shimmy[dm-control]==2.0.0",
            "ogbench==1.2.2",
        ],
    },
    // An older MuJoCo.
    Library {
        name: "bridge-robotics",
        packages: &["gymnasium==1.4.0", "metaworld==3.0.0", "gymnasium-robotics==1.4.2", "mujoco==3.3.2"],
    },
    // Alone: asked for together, MiniHack brings an NLE that has to be compiled and fails to.
    Library {
        name: "bridge-nethack",
        packages: &[
            "--no-deps",
            "nle==1.3.0",
            "minihack==1.0.2",
            "gymnasium==1.2.0",
            "numpy==2.4.6",
            "cloudpickle==3.1.3",
            "typing_extensions==4.16.0",
            "farama-notifications==0.0.6",
            "pybind11==3.1.0",
        ],
    },
];
